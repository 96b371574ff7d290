// What the dashboard knows: one signal per host and per operation, so that a
// change redraws the rows it concerns and nothing else.
import { batch, signal, type Signal } from '@preact/signals';
import type {
  Delta, FleetEvent, Host, HostDelta, Init, Operation, OpInfo, Repository,
} from './api';

export type Connection = 'connecting' | 'live' | 'lost' | 'ended';

const EVENTS_KEPT = 500;
const OPERATIONS_KEPT = 1000;

const hosts = new Map<string, Signal<Host>>();
const operations = new Map<string, Signal<Operation>>();

/** Grow whenever any host, or any operation, changed. */
const hostsTick = signal(0);
export const operationsTick = signal(0);
/** Grows only when a host joined, left, or a new operation appeared. */
export const fleetTick = signal(0);

export const connection = signal<Connection>('connecting');
export const retryAt = signal<number | null>(null);
export const loaded = signal(false);
export const events = signal<FleetEvent[]>([]);
export const repository = signal<Repository | null>(null);
export const opTable = signal<OpInfo[]>([]);
export const hubVersion = signal<string | null>(null);
export const hubUpdated = signal(false);
export const asksTotp = signal(false);

type Finished = (operation: Operation, before: Operation) => void;
let onFinished: Finished = () => undefined;
/** Have fn called whenever an operation that was open is over. */
export function watchFinished(fn: Finished): void { onFinished = fn; }

let onStale: (ids: string[]) => void = () => undefined;
/** Have fn called with operations that we believe open and that the hub no longer lists. */
export function watchStale(fn: (ids: string[]) => void): void { onStale = fn; }

export const hostSignal = (id: string) => hosts.get(id);
export const operationSignal = (id: string) => operations.get(id);
export const hostName = (id: string | null) => (id && hosts.get(id)?.peek().hostname) || id || '';

export function allHosts(): Host[] {
  void hostsTick.value;
  return [...hosts.values()].map((s) => s.peek());
}

export function allOperations(): Operation[] {
  void operationsTick.value;
  return [...operations.values()].map((s) => s.peek()).sort(newestFirst);
}

const newestFirst = (a: Operation, b: Operation) =>
  a.created_at < b.created_at || (a.created_at === b.created_at && a.id < b.id) ? 1 : -1;

export const isOpen = (operation: Operation) => operation.state !== 'finished';

/** The operation that a host is busy with, as fresh as anything told us. */
export function runningOperation(host: Host): Operation | null {
  if (!host.operation) return null;
  const newest = operations.get(host.operation.id)?.value ?? host.operation;
  return isOpen(newest) ? newest : null;
}

function putOperation(operation: Operation): void {
  const known = operations.get(operation.id);
  if (!known) {
    operations.set(operation.id, signal(operation));
    return;
  }
  const before = known.peek();
  if (!isOpen(before) && isOpen(operation)) return;
  known.value = operation;
  if (isOpen(before) && !isOpen(operation)) onFinished(operation, before);
}

export function putOperations(list: Operation[]): void {
  batch(() => {
    list.forEach(putOperation);
    operationsTick.value++;
  });
}

function forgetOldOperations(): void {
  if (operations.size <= OPERATIONS_KEPT) return;
  const closed = [...operations.values()].map((s) => s.peek()).filter((o) => !isOpen(o));
  closed.sort(newestFirst).slice(OPERATIONS_KEPT / 2).forEach((o) => operations.delete(o.id));
}

/** Answers whether the host is whole: a part of one that we never saw is no use. */
function putHost(change: HostDelta): boolean {
  const known = hosts.get(change.id);
  if (!known && !(change.hostname && change.compartments)) return false;
  if (known) known.value = { ...known.peek(), ...change };
  else hosts.set(change.id, signal(change as Host));
  if (change.operation) putOperation(change.operation);
  return true;
}

function newestEvent(a: FleetEvent, b: FleetEvent): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? 1 : -1;
  return Number(b.id) - Number(a.id) || 0;
}

function putEvents(list: FleetEvent[]): void {
  const known = new Set(events.peek().map((e) => e.id));
  const fresh = list.filter((e) => !known.has(e.id));
  if (fresh.length === 0) return;
  events.value = [...fresh, ...events.peek()]
    .sort(newestEvent)
    .slice(0, EVENTS_KEPT);
}

function staleOperations(init: Init): string[] {
  const listed = new Set(init.operations.map((o) => o.id));
  return [...operations.values()].map((s) => s.peek()).filter((o) => isOpen(o) && !listed.has(o.id)).map((o) => o.id);
}

export function applyInit(init: Init): void {
  const stale = staleOperations(init);
  batch(() => {
    const present = new Set(init.hosts.map((h) => h.id));
    for (const id of [...hosts.keys()]) if (!present.has(id)) hosts.delete(id);
    init.hosts.forEach((h) => putHost(h));
    init.operations.forEach(putOperation);
    putEvents(init.events);
    repository.value = init.repository;
    opTable.value = init.ops;
    hubUpdated.value = hubVersion.peek() !== null && hubVersion.peek() !== init.hub.version;
    hubVersion.value ??= init.hub.version;
    loaded.value = true;
    hostsTick.value++;
    operationsTick.value++;
    fleetTick.value++;
  });
  if (stale.length > 0) onStale(stale);
}

/** Answers whether all of it made sense; if not, the whole state is due. */
export function applyDelta(delta: Delta): boolean {
  let whole = true;
  batch(() => {
    const before = hosts.size;
    delta.hosts_removed?.forEach((id) => hosts.delete(id));
    for (const change of delta.hosts ?? []) if (!putHost(change)) whole = false;
    delta.operations?.forEach(putOperation);
    if (delta.events) putEvents(delta.events);
    if (delta.repository) repository.value = delta.repository;
    if (delta.hosts || delta.hosts_removed) hostsTick.value++;
    if (delta.operations || delta.hosts?.some((h) => h.operation)) operationsTick.value++;
    if (delta.hosts_removed?.length || hosts.size !== before) fleetTick.value++;
    forgetOldOperations();
  });
  return whole;
}
