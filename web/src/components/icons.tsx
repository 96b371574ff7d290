// Line icons, 16 by 16. They only ever stand beside words.
import type { Tone, Word } from '../words';

const PATHS = {
  ok: 'M3 8.500 6.500 12 13 4.500',
  warn: 'M8 2.500 14.500 13.500h-13zM8 6.500v3.500M8 12v.2',
  bad: 'M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM5.700 5.700l4.600 4.600M10.300 5.700l-4.600 4.600',
  busy: 'M8 1.800a6.200 6.200 0 1 1-6.200 6.200',
  quiet: 'M4 8h8',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.400 10.400 14 14',
  more: 'M3.200 8h.1M8 8h.1M12.800 8h.1',
  close: 'm4 4 8 8M12 4l-8 8',
  branch: 'M4.500 5v6M4.500 5a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM4.500 14a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM11.500 7a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM11.500 7c0 2.500-2 3.200-7 4',
  up: 'M8 13V3.500M3.500 8 8 3.500 12.500 8',
  down: 'M8 3v9.500M3.500 8 8 12.500 12.500 8',
  left: 'M10 3.500 5.500 8l4.500 4.500',
  download: 'M8 2.500v7.500M4.500 7 8 10.500 11.500 7M2.500 13.500h11',
  follow: 'M8 2.500v8M4.500 7.500 8 11l3.500-3.500M3 13.800h10',
  stop: 'M4 4h8v8H4z',
  log: 'M3 3.500h10M3 6.500h7M3 9.500h10M3 12.500h5',
  copy: 'M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3',
  grow: 'M9.500 2.500h4v4M6.500 13.500h-4v-4M13.500 2.500 9 7M2.500 13.500 7 9',
  leave: 'M9.500 2.500h-6v11h6M7 8h7M11.500 5.500 14 8l-2.500 2.500',
  dot: 'M8 8h.01',
  ring: 'M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  cut: 'M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM4.200 4.200l7.600 7.600',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3.300l2 1.700',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return (
    <svg class={`icon icon-${name} ${className}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export const ToneIcon = ({ tone, icon }: { tone: Tone; icon?: Word['icon'] | undefined }) =>
  <Icon name={icon ?? tone} className={`tone-${tone}`} />;

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path class="mark-edge" d="M16 3 27.300 9.500v13L16 29 4.700 22.500v-13z" />
      <path class="mark-core" d="M16 16v12M16 16 26.500 10M16 16 5.500 10" />
    </svg>
  );
}
