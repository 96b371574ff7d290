// The logs that are on the screen: lines of an operation, fetched and followed.
import { signal, type Signal } from '@preact/signals';
import { api, type LogLine, type OutputBatch } from './api';
import { send } from './live';
import { isOpen, operationSignal } from './store';

const PAGE = 2000;

export interface Log {
  readonly opId: string;
  readonly lines: LogLine[];
  /** Grows with every change of lines. */
  readonly tick: Signal<number>;
  readonly complete: Signal<boolean>;
  readonly problem: Signal<string | null>;
  users: number;
  filling: boolean;
  waiting: LogLine[];
}

const open = new Map<string, Log>();

export const lastSeq = (log: Log) => log.lines[log.lines.length - 1]?.seq ?? 0;

/** Append what is new, in order; answers whether a line is missing before it. */
export function append(log: Log, lines: LogLine[]): boolean {
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.seq <= lastSeq(log)) continue;
    if (line.seq !== lastSeq(log) + 1) {
      log.waiting.push(...lines.slice(i));
      return true;
    }
    log.lines.push(line);
  }
  return false;
}

/** Take lines as they are: the hub has stored no others in between. */
function take(log: Log, lines: LogLine[]): void {
  for (const line of lines) if (line.seq > lastSeq(log)) log.lines.push(line);
}

function subscribe(log: Log): void {
  send({ type: 'subscribe', payload: { op_id: log.opId, after: lastSeq(log) } });
}

/** Fetch whatever the hub has stored after our last line. */
async function fill(log: Log): Promise<void> {
  if (log.filling) return;
  log.filling = true;
  try {
    for (;;) {
      const page = await api.output(log.opId, lastSeq(log), PAGE);
      take(log, page.lines);
      log.complete.value = page.complete;
      log.tick.value++;
      if (page.complete || page.lines.length === 0) break;
    }
    take(log, log.waiting.sort((a, b) => a.seq - b.seq));
    log.waiting = [];
    log.problem.value = null;
  } catch (problem) {
    log.problem.value = problem instanceof Error ? problem.message : String(problem);
  } finally {
    log.filling = false;
    log.tick.value++;
  }
}

/** Start showing a log; every openLog needs one closeLog. */
export function openLog(opId: string): Log {
  let log = open.get(opId);
  if (!log) {
    log = {
      opId, lines: [], tick: signal(0), complete: signal(false), problem: signal(null),
      users: 0, filling: false, waiting: [],
    };
    open.set(opId, log);
    const operation = operationSignal(opId)?.peek();
    if (operation && isOpen(operation)) subscribe(log);
    else void fill(log);
  }
  log.users++;
  return log;
}

export function closeLog(log: Log): void {
  if (--log.users > 0) return;
  open.delete(log.opId);
  send({ type: 'unsubscribe', payload: { op_id: log.opId } });
}

export function takeOutput(batch: OutputBatch): void {
  const log = open.get(batch.op_id);
  if (!log) return;
  if (append(log, batch.lines)) void fill(log);
  log.tick.value++;
}

/** The operation is over: its last lines may still be on their way. */
export function operationFinished(opId: string): void {
  const log = open.get(opId);
  if (log) void fill(log);
}

/** A new connection has no subscriptions yet. */
export function resubscribe(): void {
  for (const log of open.values()) {
    if (log.problem.peek()) void fill(log);
    else if (!log.complete.peek()) subscribe(log);
  }
}

export const retry = (log: Log) => void fill(log);
