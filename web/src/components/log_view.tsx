// The log of one operation: follows, searches, and stays quick with a million lines.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api } from '../api';
import { plainText } from '../ansi';
import { closeLog, openLog, retry, type Log } from '../logs';
import { isOpen, operationSignal } from '../store';
import { plural } from '../words';
import { IconButton } from './bits';
import { Icon } from './icons';
import { LogRow } from './log_line';
import { useBoxRange } from './virtual';

const ROW = 20;

/** Numbers of the lines that contain the query; only new lines are looked at again. */
function useHits(log: Log, query: string): number[] {
  const state = useRef({ log, query: '', upTo: 0, hits: [] as number[] });
  const s = state.current;
  if (s.log !== log || s.query !== query) state.current = { log, query, upTo: 0, hits: [] };
  const now = state.current;
  if (query) {
    const wanted = query.toLowerCase();
    for (; now.upTo < log.lines.length; now.upTo++) {
      if (plainText(log.lines[now.upTo]!.text).toLowerCase().includes(wanted)) now.hits.push(now.upTo);
    }
  }
  return now.hits;
}

function useLog(opId: string): Log {
  const log = useMemo(() => openLog(opId), [opId]);
  useEffect(() => () => closeLog(log), [log]);
  return log;
}

function emptyText(log: Log, opId: string): string {
  const operation = operationSignal(opId)?.value;
  if (log.problem.value) return log.problem.value;
  if (operation?.state === 'queued') return 'Waiting for the host. Lines appear here as they are printed.';
  if (operation && isOpen(operation)) return 'No lines yet. They appear here as they are printed.';
  return log.complete.value ? 'This operation printed nothing.' : 'Fetching the log…';
}

export function LogView({ opId }: { opId: string }) {
  const log = useLog(opId);
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const [query, setQuery] = useState('');
  const [hit, setHit] = useState(0);
  void log.tick.value;
  const count = log.lines.length;
  const hits = useHits(log, query);
  const { range, measure } = useBoxRange(box, count, ROW);

  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, count, opId]);

  const onScroll = () => {
    measure();
    const el = box.current!;
    const atEnd = el.scrollHeight - el.scrollTop - el.clientHeight < ROW * 2;
    if (atEnd !== follow) setFollow(atEnd);
  };
  const goTo = (n: number) => {
    if (hits.length === 0) return;
    const at = (n + hits.length) % hits.length;
    setHit(at);
    setFollow(false);
    box.current?.scrollTo({ top: Math.max(0, hits[at]! * ROW - box.current.clientHeight / 2) });
  };
  const onSearchKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') goTo(hit + (event.shiftKey ? -1 : 1));
    if (event.key === 'Escape' && query) {
      event.stopPropagation();
      setQuery('');
    }
  };
  return (
    <div class="log">
      <div class="log-tools">
        <div class="search search-small">
          <Icon name="search" />
          <input type="search" aria-label="Search this log" placeholder="Search this log" value={query}
            onInput={(e) => { setQuery(e.currentTarget.value); setHit(0); }} onKeyDown={onSearchKey} />
        </div>
        {query && <span class="small soft" role="status">
          {hits.length === 0 ? 'not found' : `${Math.min(hit, hits.length - 1) + 1} of ${plural(hits.length, 'line')}`}
        </span>}
        {query && <IconButton icon="up" label="Previous match" onClick={() => goTo(hit - 1)} disabled={hits.length === 0} />}
        {query && <IconButton icon="down" label="Next match" onClick={() => goTo(hit + 1)} disabled={hits.length === 0} />}
        <span class="log-count small soft">{plural(count, 'line')}</span>
        <button type="button" class="button button-small" aria-pressed={follow}
          onClick={() => setFollow(!follow)}><Icon name="follow" /> Follow</button>
        <a class="button button-small" href={api.logUrl(opId)} download={`${opId}.log`}>
          <Icon name="download" /> <span class="wide-only">Download</span><span class="visually-hidden"> the whole log</span></a>
      </div>
      <div class="log-box" ref={box} onScroll={onScroll} tabIndex={0} role="region" aria-label="Log lines">
        {count === 0 && <p class="log-empty">{emptyText(log, opId)}{' '}
          {log.problem.value && <button type="button" class="button button-small" onClick={() => retry(log)}>Try again</button>}
        </p>}
        <div class="log-lines" style={{ '--above': `${range.first * ROW}px`, '--height': `${count * ROW}px` }}>
          {log.lines.slice(range.first, range.last).map((line, i) => (
            <LogRow key={line.seq} line={line} query={query} current={query !== '' && hits[hit] === range.first + i} />
          ))}
        </div>
      </div>
    </div>
  );
}
