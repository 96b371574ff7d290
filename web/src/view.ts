// What of the fleet is shown, in which order, and what is selected.
import { computed, signal } from '@preact/signals';
import type { Host } from './api';
import { allHosts, isOpen, operationSignal, operationsTick } from './store';

type Filter = 'all' | 'attention' | 'behind' | 'working' | 'offline';
export type Sort = 'name' | 'status' | 'behind' | 'seen';

export const FILTERS: { id: Filter; label: string }[] = [
  { id: 'all', label: 'All' },
  { id: 'attention', label: 'Need attention' },
  { id: 'behind', label: 'Behind' },
  { id: 'working', label: 'Working' },
  { id: 'offline', label: 'Not connected' },
];
export const SORTS: { id: Sort; label: string }[] = [
  { id: 'name', label: 'Name' },
  { id: 'status', label: 'Trouble first' },
  { id: 'behind', label: 'Furthest behind' },
  { id: 'seen', label: 'Last seen' },
];

export const search = signal('');
export const filter = signal<Filter>('all');
export const sort = signal<Sort>('name');
export const selection = signal<ReadonlySet<string>>(new Set());

function isWorking(host: Host): boolean {
  if (!host.operation) return false;
  return isOpen(operationSignal(host.operation.id)?.peek() ?? host.operation);
}

const isBehind = (h: Host) =>
  h.compartments.git.status === 'outdated' || h.compartments.system.status === 'outdated';
const isAway = (h: Host) => h.liveness !== 'connected' && h.liveness !== 'late';
const hasTrouble = (h: Host) =>
  h.liveness === 'conflict' || h.liveness === 'offline' || h.liveness === 'late' || h.identity === 'revoked'
  || Object.values(h.compartments).some((c) => c.status === 'error');

const TESTS: Record<Filter, (host: Host) => boolean> = {
  all: () => true, attention: hasTrouble, behind: isBehind, working: isWorking, offline: isAway,
};

/** Every word must be somewhere in what the host says of itself. */
export function matches(host: Host, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = [
    host.hostname, host.kind, host.host_type, host.location, host.device_type, host.comment,
    host.os_version, host.agent_version, host.liveness,
  ].join(' ').toLowerCase();
  return words.every((word) => hay.includes(word));
}

const names = new Intl.Collator('en', { numeric: true });
const byName = (a: Host, b: Host) => names.compare(a.hostname, b.hostname);
const later = (a: string | null, b: string | null) => ((a ?? '') < (b ?? '') ? 1 : (a ?? '') > (b ?? '') ? -1 : 0);
const weight = (h: Host) => (hasTrouble(h) ? 0 : isBehind(h) ? 1 : isWorking(h) ? 2 : 3);

const ORDERS: Record<Sort, (a: Host, b: Host) => number> = {
  name: byName,
  status: (a, b) => weight(a) - weight(b) || byName(a, b),
  behind: (a, b) => (b.compartments.git.behind ?? 0) - (a.compartments.git.behind ?? 0) || byName(a, b),
  seen: (a, b) => later(a.last_seen, b.last_seen) || byName(a, b),
};

export const counts = computed(() => {
  void operationsTick.value;
  const list = allHosts();
  const count = (id: Filter) => list.filter(TESTS[id]).length;
  return {
    all: list.length, attention: count('attention'), behind: count('behind'),
    working: count('working'), offline: count('offline'),
  } satisfies Record<Filter, number>;
});

let shown: string[] = [];

/** Ids of the hosts to show. The same array as before while nothing moved. */
export const visibleIds = computed<string[]>(() => {
  void operationsTick.value;
  const list = allHosts()
    .filter((h) => TESTS[filter.value](h) && matches(h, search.value))
    .sort(ORDERS[sort.value])
    .map((h) => h.id);
  const same = list.length === shown.length && list.every((id, i) => id === shown[i]);
  if (!same) shown = list;
  return shown;
});

export function toggleSelected(id: string): void {
  const next = new Set(selection.peek());
  if (!next.delete(id)) next.add(id);
  selection.value = next;
}

export function selectAll(ids: string[]): void { selection.value = new Set(ids); }
export function clearSelection(): void { selection.value = new Set(); }

/** Forget selected hosts that left the fleet. */
export function pruneSelection(): void {
  const ids = new Set(allHosts().map((h) => h.id));
  const kept = [...selection.peek()].filter((id) => ids.has(id));
  if (kept.length !== selection.peek().size) selection.value = new Set(kept);
}
