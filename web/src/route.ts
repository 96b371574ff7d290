// Addresses of the views, in the part behind "#": nothing here loads a page.
import { computed, signal } from '@preact/signals';

type Route =
  | { view: 'fleet' }
  | { view: 'host'; id: string }
  | { view: 'operations' }
  | { view: 'operation'; id: string }
  | { view: 'events' };

const hash = signal(location.hash);

export function parseRoute(text: string): Route {
  const [path = ''] = text.replace(/^#\/?/, '').split('?');
  const [view, id] = path.split('/').map(decode);
  if (view === 'hosts' && id) return { view: 'host', id };
  if (view === 'operations') return id ? { view: 'operation', id } : { view: 'operations' };
  if (view === 'events') return { view: 'events' };
  return { view: 'fleet' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = computed(() => parseRoute(hash.value));
export const hostHref = (id: string) => `#/hosts/${encodeURIComponent(id)}`;
export const operationHref = (id: string) => `#/operations/${encodeURIComponent(id)}`;

export function go(to: string): void { location.hash = to; }

export function startRouting(): void {
  addEventListener('hashchange', () => {
    hash.value = location.hash;
    scrollTo(0, 0);
  });
}
