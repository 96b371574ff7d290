// Asking hosts to do something: confirm where it matters, dispatch, tell the result.
import { signal } from '@preact/signals';
import { api, type DispatchItem, type OpInfo } from './api';
import { asksTotp, hostName, opTable, putOperations } from './store';
import { opLabel, plural } from './words';

export interface Ask { op: string; hosts: string[]; totp: boolean; force: boolean; problem: string | null }
interface Refusal { op: string; hosts: string[]; items: { host: string; text: string }[] }
interface Toast { id: number; text: string; tone: 'ok' | 'bad' | 'quiet' }

export const asking = signal<Ask | null>(null);
export const refusal = signal<Refusal | null>(null);
export const toasts = signal<Toast[]>([]);
/** Operations whose logs are in the panel, and the one in front. */
export const logTabs = signal<string[]>([]);
export const frontLog = signal<string | null>(null);

const TABS_KEPT = 12;
const TOAST_MS = 8000;
let toastId = 0;

export function toast(text: string, tone: Toast['tone'] = 'quiet'): void {
  const id = ++toastId;
  toasts.value = [...toasts.peek().slice(-3), { id, text, tone }];
  if (tone !== 'bad') setTimeout(() => closeToast(id), TOAST_MS);
}
export function closeToast(id: number): void { toasts.value = toasts.peek().filter((t) => t.id !== id); }

export function showLog(...ids: string[]): void {
  const fresh = ids.filter((id) => !logTabs.peek().includes(id));
  logTabs.value = [...logTabs.peek(), ...fresh].slice(-TABS_KEPT);
  frontLog.value = ids.find((id) => logTabs.peek().includes(id)) ?? frontLog.peek();
}

export function closeTab(id: string): void {
  const at = logTabs.peek().indexOf(id);
  logTabs.value = logTabs.peek().filter((t) => t !== id);
  if (frontLog.peek() === id) {
    frontLog.value = logTabs.peek()[Math.min(at, logTabs.peek().length - 1)] ?? null;
  }
}
export function closeLogs(): void { logTabs.value = []; frontLog.value = null; }

/** Operations in the order of the menus; what the hub does not list is not shown. */
const MENU: string[][] = [
  ['pull-switch', 'pull', 'switch', 'update', 'test', 'rollback'],
  ['refresh-all', 'refresh-git', 'refresh-lock', 'refresh-system', 'check-version', 'repo-verify'],
  ['repo-reset', 'force-update', 'restart', 'reboot'],
];
const HIDDEN = new Set(['stop']);

export function menuGroups(table: OpInfo[]): OpInfo[][] {
  const byId = new Map(table.map((o) => [o.id, o]));
  const known = new Set(MENU.flat());
  const groups = MENU.map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
  groups.push(table.filter((o) => !known.has(o.id) && !HIDDEN.has(o.id)));
  return groups.filter((g) => g.length > 0);
}

const ALWAYS_ASK = new Set(['reboot', 'rollback', 'repo-reset']);

/** Run op on hosts, after asking where that is due. */
export function request(op: string, hosts: string[], force = false): void {
  if (hosts.length === 0) return;
  const info = opTable.peek().find((o) => o.id === op);
  const totp = (info?.requires_totp ?? false) && asksTotp.peek();
  const many = hosts.length > 1 && (info?.changes_system ?? false);
  if (totp || many || force || ALWAYS_ASK.has(op)) {
    asking.value = { op, hosts, totp, force, problem: null };
    return;
  }
  void dispatch({ op, hosts, totp, force, problem: null }, '');
}

function refusals(items: DispatchItem[]): Refusal['items'] {
  return items.flatMap((item) => {
    if (item.status === 'blocked') return { host: item.host_id, text: item.message };
    if (item.status === 'error') return { host: item.host_id, text: item.error };
    return [];
  });
}

/** Send what was asked. Answers whether it is settled; else the dialog stays, with the problem. */
export async function dispatch(ask: Ask, totp: string): Promise<boolean> {
  try {
    const answer = await api.dispatch({
      op: ask.op, hosts: ask.hosts,
      ...(ask.force ? { force: true } : {}), ...(totp ? { totp } : {}),
    });
    const started = answer.results.flatMap((r) => ('operation' in r && r.operation ? r.operation : []));
    putOperations(started);
    const items = refusals(answer.results);
    const blocked = answer.results.flatMap((r) => (r.status === 'blocked' ? r.host_id : []));
    if (items.length > 0) refusal.value = { op: ask.op, hosts: blocked, items };
    if (started.length > 0) {
      showLog(...started.map((o) => o.id));
      const queued = answer.results.filter((r) => r.status === 'QUEUED').length;
      if (queued > 0) toast(waitingText(ask.op, started.map((o) => o.host_id), queued));
    }
    asking.value = null;
    return true;
  } catch (problem) {
    const text = problem instanceof Error ? problem.message : String(problem);
    if (asking.peek()) asking.value = { ...ask, problem: text };
    else toast(`${opLabel(ask.op)}: ${text}`, 'bad');
    return false;
  }
}

function waitingText(op: string, hosts: string[], queued: number): string {
  const where = hosts.length === 1 ? hostName(hosts[0]!) : plural(hosts.length, 'host');
  if (queued === hosts.length) return `${opLabel(op)} waits until ${where} can take it.`;
  return `${opLabel(op)} sent to ${where}; ${queued} of them will do it later.`;
}

export async function stop(...opIds: string[]): Promise<void> {
  const results = await Promise.allSettled(opIds.map((id) => api.stop(id)));
  putOperations(results.flatMap((r) => (r.status === 'fulfilled' ? r.value : [])));
  const failed = results.find((r): r is PromiseRejectedResult => r.status === 'rejected');
  if (failed) toast(`Stop: ${(failed.reason as Error).message}`, 'bad');
}
