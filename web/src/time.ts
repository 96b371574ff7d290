// Times as people say them. `now` moves every ten seconds, for texts like "3 min ago".
import { signal } from '@preact/signals';

export const now = signal(Date.now());
export function startClock(): void {
  setInterval(() => { now.value = Date.now(); }, 10_000);
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** "just now", "4 min ago", "3 h ago", "2 days ago". */
export function ago(time: string | null, at = now.value): string {
  if (!time) return 'never';
  const s = Math.round((at - Date.parse(time)) / 1000);
  if (s < 10) return 'just now';
  if (s < MINUTE) return `${s} s ago`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min ago`;
  if (s < 2 * DAY) return `${Math.floor(s / HOUR)} h ago`;
  return `${Math.floor(s / DAY)} days ago`;
}

const two = (n: number) => String(n).padStart(2, '0');

/** "14:02" today, "3 May 14:02" this year, "3 May 2024" before. */
export function since(time: string | null, at = now.value): string {
  if (!time) return 'an unknown time';
  const d = new Date(time);
  const today = new Date(at);
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
  if (d.toDateString() === today.toDateString()) return clock;
  const day = `${d.getDate()} ${d.toLocaleString('en', { month: 'short' })}`;
  return d.getFullYear() === today.getFullYear() ? `${day} ${clock}` : `${day} ${d.getFullYear()}`;
}

/** The whole time, for tooltips. */
export function exact(time: string | null): string {
  if (!time) return '';
  const d = new Date(time);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} `
    + `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** "14:02:07" for log lines. */
export function clock(time: string | number): string {
  const d = new Date(time);
  return Number.isNaN(d.getTime()) ? '' : `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** "0.4 s", "12 s", "3 min 20 s", "1 h 5 min". */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min ${s % MINUTE} s`;
  return `${Math.floor(s / HOUR)} h ${Math.floor((s % HOUR) / MINUTE)} min`;
}

export function elapsed(from: string | null, to: string | null, at = now.value): string | null {
  if (!from) return null;
  return duration((to ? Date.parse(to) : at) - Date.parse(from));
}
