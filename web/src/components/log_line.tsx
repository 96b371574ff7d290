import type { LogLine } from '../api';
import { parseAnsi, type Run } from '../ansi';
import { clock } from '../time';

/** Longer lines are cut on the screen; the downloaded log has them whole. */
const LONGEST = 4000;

interface Piece extends Run { hit: boolean }

/** Cut runs at every place where the query occurs. */
export function highlight(runs: Run[], query: string): Piece[] {
  if (!query) return runs.map((r) => ({ ...r, hit: false }));
  const whole = runs.map((r) => r.text).join('').toLowerCase();
  const wanted = query.toLowerCase();
  const hits: [number, number][] = [];
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
    hits.push([at, at + wanted.length]);
  }
  const pieces: Piece[] = [];
  let start = 0;
  for (const run of runs) {
    const end = start + run.text.length;
    const edges = [start, ...hits.flat().filter((e) => e > start && e < end), end];
    for (let i = 0; i + 1 < edges.length; i++) {
      const [from, to] = [edges[i]!, edges[i + 1]!];
      if (to > from) {
        pieces.push({
          text: run.text.slice(from - start, to - start), className: run.className,
          hit: hits.some(([a, b]) => from >= a && to <= b),
        });
      }
    }
    start = end;
  }
  return pieces;
}

const MARKS: Record<LogLine['stream'], string> = { stdout: '', stderr: '', note: 'note' };

export function LogRow({ line, query, current }: { line: LogLine; query: string; current: boolean }) {
  const cut = line.text.length > LONGEST;
  const pieces = highlight(parseAnsi(cut ? line.text.slice(0, LONGEST) : line.text), query);
  return (
    <div class={`log-line log-${line.stream} ${current ? 'log-current' : ''}`}>
      <span class="log-time">{clock(line.ts)}</span>
      <span class="log-mark">{MARKS[line.stream]}</span>
      <span class="log-text">
        {pieces.map((p, i) => (p.hit
          ? <mark key={i} class={p.className}>{p.text}</mark>
          : p.className ? <span key={i} class={p.className}>{p.text}</span> : p.text))}
        {cut && <em> … {line.text.length - LONGEST} more characters in the downloaded log</em>}
      </span>
    </div>
  );
}
