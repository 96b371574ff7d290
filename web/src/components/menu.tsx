// The menu of operations: one for the whole page, placed beside the button that opened it.
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { menuGroups, request } from '../actions';
import { opTable } from '../store';
import { opLabel } from '../words';
import { Icon } from './icons';

interface Open { button: HTMLElement; hosts: string[]; label: string }
const opened = signal<Open | null>(null);

export function MenuButton({ hosts, label, text }: { hosts: () => string[]; label: string; text?: string }) {
  const open = (event: MouseEvent) => {
    const button = event.currentTarget as HTMLElement;
    opened.value = opened.peek()?.button === button ? null : { button, hosts: hosts(), label };
  };
  return (
    <button type="button" class={text ? 'button' : 'icon-button'} aria-haspopup="menu" aria-label={label}
      title={label} onClick={open}>
      {text} <Icon name="more" />
    </button>
  );
}

function place(menu: HTMLElement, button: HTMLElement): void {
  const b = button.getBoundingClientRect();
  const m = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(b.right - m.width, innerWidth - m.width - 8));
  const below = b.bottom + 4 + m.height <= innerHeight - 8;
  const top = below ? b.bottom + 4 : Math.max(8, b.top - m.height - 4);
  menu.style.setProperty('left', `${left}px`);
  menu.style.setProperty('top', `${top}px`);
}

function move(menu: HTMLElement, key: string): boolean {
  const items = [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to: Record<string, number> = {
    ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0, End: items.length - 1,
  };
  const next = key in to
    ? to[key]!
    : key.length === 1 ? items.findIndex((i) => i.textContent?.toLowerCase().startsWith(key.toLowerCase())) : -1;
  items[next]?.focus();
  return next >= 0;
}

function close(refocus: boolean): void {
  if (refocus) opened.peek()?.button.focus();
  opened.value = null;
}

export function OpenMenu() {
  const open = opened.value;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!open || !ref.current) return;
    place(ref.current, open.button);
    ref.current.querySelector<HTMLElement>('[role=menuitem]')?.focus({ preventScroll: true });
  }, [open]);
  useEffect(() => {
    if (!open) return undefined;
    const away = (event: Event) => {
      const target = event.target as Node;
      if (!ref.current?.contains(target) && !open.button.contains(target)) close(false);
    };
    const gone = () => close(false);
    addEventListener('pointerdown', away);
    addEventListener('resize', gone);
    addEventListener('hashchange', gone);
    return () => {
      removeEventListener('pointerdown', away);
      removeEventListener('resize', gone);
      removeEventListener('hashchange', gone);
    };
  }, [open]);
  if (!open) return null;
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') close(true);
    else if (event.ctrlKey || event.metaKey || event.altKey || !move(ref.current!, event.key)) return;
    if (event.key !== 'Tab') event.preventDefault();
  };
  const run = (op: string) => {
    close(true);
    request(op, open.hosts);
  };
  return (
    <div ref={ref} class="menu" role="menu" aria-label={open.label} onKeyDown={onKey}>
      {menuGroups(opTable.value).map((group) => (
        <div role="group" class="menu-group" key={group[0]!.id}>
          {group.map((o) => (
            <button key={o.id} type="button" role="menuitem" tabIndex={-1} title={o.description}
              onClick={() => run(o.id)}>
              <span>{opLabel(o.id)}</span>
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}
