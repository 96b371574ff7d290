// The hub's HTTP API: types and calls, one for one with docs/reference/http-api.md.

export type Liveness = 'connected' | 'late' | 'offline' | 'never' | 'stopped' | 'conflict';
export type CompartmentName = 'agent' | 'git' | 'lock' | 'system' | 'tests';
export type CompartmentStatus = 'ok' | 'outdated' | 'error' | 'working' | 'unknown';

export interface Compartment {
  status: CompartmentStatus;
  message: string | null;
  checked_at: string | null;
  behind: number | null;
}

export interface Metrics {
  cpu: number | null;
  ram: number | null;
  swap: number | null;
  load: number | null;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Host {
  id: string;
  hostname: string;
  host_type: string | null;
  kind: string | null;
  dialect: 3 | 4 | null;
  agent_version: string | null;
  agent_outdated: boolean;
  os_version: string | null;
  nixpkgs_version: string | null;
  generation: string | null;
  status: 'online' | 'offline';
  liveness: Liveness;
  since: string | null;
  last_seen: string | null;
  created_at: string | null;
  comment: string | null;
  theme_color: string | null;
  location: string | null;
  device_type: string | null;
  repo_url: string | null;
  repo_dir: string | null;
  identity: 'own' | 'shared' | 'revoked';
  pending_command: string | null;
  operation: Operation | null;
  queued: number;
  metrics: Metrics | null;
  compartments: Record<CompartmentName, Compartment>;
  facts: { [key: string]: Json } | null;
}

export type HostDelta = Partial<Host> & { id: string };

export type OperationState =
  | 'queued' | 'sent' | 'running' | 'stopping' | 'lost' | 'awaiting_reconnect' | 'finished';
export type Outcome =
  | 'ok' | 'failed' | 'refused' | 'stopped' | 'timed_out' | 'rolled_back' | 'interrupted';

export interface Progress {
  phase: string | null;
  done: number | null;
  expected: number | null;
  text: string | null;
}

export interface Operation {
  id: string;
  host_id: string;
  op: string;
  args: { [key: string]: Json };
  by: string | null;
  state: OperationState;
  outcome: Outcome | null;
  reported: boolean;
  message: string | null;
  exit_code: number | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  deadline_at: string | null;
  progress: Progress | null;
  phases: { name: string; ms: number }[];
  changes: { [key: string]: Json } | null;
  lines: number;
}

export interface OpInfo {
  id: string;
  description: string;
  timeout: number;
  requires_totp: boolean;
  needs_online: boolean;
  changes_system: boolean;
}

export interface FleetEvent {
  id: string | number;
  timestamp: string;
  category: string;
  level: string;
  actor: string | null;
  host_id: string | null;
  action: string;
  message: string | null;
  details: Json;
}

export interface Repository {
  configured: boolean;
  url: string | null;
  branch: string | null;
  head: string | null;
  subject: string | null;
  author: string | null;
  committed_at: string | null;
  lock_hash: string | null;
  checked_at: string | null;
  error: string | null;
}

interface Commit { id: string; author: string; date: string; subject: string }
export interface LogLine { seq: number; ts: string | number; stream: 'stdout' | 'stderr' | 'note'; text: string }
interface LogPage { lines: LogLine[]; next: number; complete: boolean }

interface Session { csrf_token: string; expires_at: string; hub_version: string; totp: boolean }

interface DispatchRequest {
  op: string;
  hosts: string[];
  args?: { [key: string]: Json };
  force?: boolean;
  totp?: string;
}

export type DispatchItem =
  | { host_id: string; status: 'EXECUTING' | 'QUEUED'; command_id: string; operation: Operation }
  | { host_id: string; status: 'blocked'; code: string; message: string }
  | { host_id: string; status: 'error'; error: string };

interface DispatchAnswer {
  status: 'success' | 'partial' | 'failed';
  results: DispatchItem[];
  summary: { success: number; error: number; total: number };
}

// The live channel.
export interface Init {
  hosts: Host[];
  operations: Operation[];
  events: FleetEvent[];
  repository: Repository | null;
  ops: OpInfo[];
  hub: { version: string };
}

export interface Delta {
  hosts?: HostDelta[];
  hosts_removed?: string[];
  operations?: Operation[];
  events?: FleetEvent[];
  repository?: Repository;
}

export interface OutputBatch { op_id: string; host_id: string; lines: LogLine[] }

export type LiveMessage =
  | { type: 'init'; version: number; payload: Init }
  | { type: 'delta'; version: number; payload: Delta }
  | { type: 'output'; version: number; payload: OutputBatch }
  | { type: 'sync'; version: number; payload?: null };

export type LiveRequest =
  | { type: 'get_state' }
  | { type: 'subscribe'; payload: { op_id: string; after: number } }
  | { type: 'unsubscribe'; payload: { op_id: string } };

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

type Query = Record<string, string | number | undefined>;

const root = document.body;

function path(route: string, query?: Query): string {
  const pairs = Object.entries(query ?? {}).filter(([, v]) => v !== undefined);
  if (pairs.length === 0) return route;
  return `${route}?${new URLSearchParams(pairs.map(([k, v]) => [k, String(v)]))}`;
}

async function failure(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    const body = JSON.parse(text) as { error?: string; code?: string };
    if (body.error) return new ApiError(answer.status, body.code ?? '', body.error);
  } catch {
    // Not JSON: a proxy in between answered. Its text says what happened.
  }
  return new ApiError(answer.status, '', text.trim().slice(0, 200) || `The hub answered ${answer.status}.`);
}

async function call<T>(method: string, route: string, body?: unknown): Promise<T> {
  try {
    return await callOnce<T>(method, route, body);
  } catch (problem) {
    // Another window logged in anew: its session, and its token, are ours too.
    if (!(problem instanceof ApiError) || problem.code !== 'csrf') throw problem;
    await loadSession();
    return callOnce<T>(method, route, body);
  }
}

async function callOnce<T>(method: string, route: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRF-Token'] = root.dataset['csrfToken'] ?? '';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin', redirect: 'error' };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(route, init);
  } catch {
    throw new ApiError(0, 'unreachable', 'The hub cannot be reached. Nothing was sent.');
  }
  if (!answer.ok) throw await failure(answer);
  return (await answer.json()) as T;
}

const get = <T>(route: string, query?: Query) => call<T>('GET', path(route, query));
const host = (id: string) => `/api/hosts/${encodeURIComponent(id)}`;
const operation = (id: string) => `/api/operations/${encodeURIComponent(id)}`;

export const api = {
  session: () => get<Session>('/api/session'),
  dispatch: (request: DispatchRequest) => call<DispatchAnswer>('POST', '/api/dispatch', request),
  stop: (opId: string) => call<Operation>('POST', `${operation(opId)}/stop`, {}),
  operations: (query: { host?: string; state?: string; before?: string; limit?: number }) =>
    get<{ operations: Operation[] }>('/api/operations', query),
  operation: (id: string) => get<Operation>(operation(id)),
  output: (id: string, after: number, limit: number) =>
    get<LogPage>(`${operation(id)}/output`, { after, limit }),
  logUrl: (id: string) => `${operation(id)}/log`,
  hostEvents: (id: string, limit: number) =>
    get<{ events: FleetEvent[] }>(`${host(id)}/events`, { limit }),
  events: (query: { limit?: number; before?: string | number }) =>
    get<{ events: FleetEvent[] }>('/api/events', query),
  commits: (limit: number) => get<{ commits: Commit[] }>('/api/repository/commits', { limit }),
  removeHost: (id: string) => call<{ status: string }>('DELETE', host(id)),
  newToken: (id: string) => call<{ token: string }>('POST', `${host(id)}/token`, {}),
  revokeToken: (id: string) => call<{ status: string }>('DELETE', `${host(id)}/token`),
  acceptHost: (id: string) => call<{ status: string }>('POST', `${host(id)}/accept`, {}),
};

/** Take the CSRF token of the present session when the page came without one. */
export async function loadSession(): Promise<Session> {
  const session = await api.session();
  root.dataset['csrfToken'] = session.csrf_token;
  return session;
}

export const logoutToken = () => root.dataset['csrfToken'] ?? '';
