// Every word that stands for a state, in one place.
import type {
  Compartment, CompartmentName, CompartmentStatus, Host, Json, Liveness, Operation, OperationState, Outcome,
} from './api';
import { since } from './time';

export type Tone = 'ok' | 'warn' | 'bad' | 'busy' | 'quiet';
export interface Word { text: string; tone: Tone; icon?: 'dot' | 'clock' | 'cut' | 'ring' }

export const COMPARTMENTS: { name: CompartmentName; label: string; about: string }[] = [
  { name: 'agent', label: 'Agent', about: 'The agent program on the host' },
  { name: 'git', label: 'Git', about: "The host's clone of the configuration, against the branch" },
  { name: 'lock', label: 'Lock', about: 'The age of flake.lock' },
  { name: 'system', label: 'System', about: 'The running system, against the configuration' },
  { name: 'tests', label: 'Tests', about: "The host's own tests" },
];

const TONES: Record<CompartmentStatus, Tone> = {
  ok: 'ok', outdated: 'warn', error: 'bad', working: 'busy', unknown: 'quiet',
};

/** What hosts call their generation is the commit that they are at. */
export const shortRevision = (id: string) => (/^[0-9a-f]{9,64}$/.test(id) ? id.slice(0, 8) : id);

export const commits = (n: number) => (n === 1 ? '1 commit' : `${n} commits`);
export const plural = (n: number, one: string) => (n === 1 ? `1 ${one}` : `${n} ${one}s`);

/** One or two words for a cell of the table. */
export function compartmentWord(name: CompartmentName, c: Compartment): Word {
  const tone = TONES[c.status] ?? 'quiet';
  if (c.status === 'outdated' && name === 'git' && c.behind) return { text: `${c.behind} behind`, tone };
  if (c.status === 'outdated' && name === 'agent') return { text: 'old', tone };
  if (c.status === 'outdated' && name === 'lock') return { text: 'old', tone };
  if (c.status === 'error' && name === 'tests') return { text: 'failing', tone };
  return { text: c.status, tone };
}

/** The whole sentence for a compartment. */
export function compartmentSentence(name: CompartmentName, c: Compartment): string {
  if (name === 'git' && c.status === 'outdated' && c.behind) {
    return `Behind by ${commits(c.behind)}.`;
  }
  if (c.message) return c.message;
  return c.status === 'unknown' ? 'Not checked yet.' : `${c.status[0]!.toUpperCase()}${c.status.slice(1)}.`;
}

export function livenessWord(host: Host): Word {
  const words: Record<Liveness, Word> = {
    connected: { text: 'connected', tone: 'ok', icon: 'dot' },
    late: { text: 'late', tone: 'warn', icon: 'clock' },
    offline: { text: `offline since ${since(host.since ?? host.last_seen)}`, tone: 'bad', icon: 'cut' },
    never: { text: 'never seen', tone: 'quiet', icon: 'ring' },
    stopped: { text: `agent stopped at ${since(host.since ?? host.last_seen)}`, tone: 'quiet', icon: 'ring' },
    conflict: { text: 'identity conflict', tone: 'bad' },
  };
  return words[host.liveness] ?? { text: host.liveness, tone: 'quiet' };
}

const OP_LABELS: Record<string, string> = {
  'pull': 'Pull', 'switch': 'Switch', 'pull-switch': 'Pull and switch', 'update': 'Update inputs',
  'test': 'Run tests', 'rollback': 'Roll back', 'refresh-all': 'Refresh', 'refresh-git': 'Refresh git',
  'refresh-lock': 'Refresh lock', 'refresh-system': 'Refresh system', 'check-version': 'Check agent version',
  'force-update': 'Update agent', 'stop': 'Stop', 'restart': 'Restart agent', 'reboot': 'Reboot',
  'repo-verify': 'Verify repository', 'repo-reset': 'Clone repository again',
};
export const opLabel = (op: string) => OP_LABELS[op] ?? op;

const STATES: Record<OperationState, Word> = {
  queued: { text: 'waiting for the host', tone: 'quiet' },
  sent: { text: 'sent', tone: 'busy' },
  running: { text: 'running', tone: 'busy' },
  stopping: { text: 'stopping', tone: 'busy' },
  lost: { text: 'connection lost, host still working', tone: 'warn' },
  awaiting_reconnect: { text: 'waiting for the host to come back', tone: 'busy' },
  finished: { text: 'finished', tone: 'quiet' },
};

const OUTCOMES: Record<Outcome, Word> = {
  ok: { text: 'ok', tone: 'ok' },
  failed: { text: 'failed', tone: 'bad' },
  refused: { text: 'refused', tone: 'warn' },
  stopped: { text: 'stopped', tone: 'warn' },
  timed_out: { text: 'timed out', tone: 'bad' },
  rolled_back: { text: 'rolled back', tone: 'warn' },
  interrupted: { text: 'interrupted', tone: 'bad' },
};

/** How an operation stands; an outcome that is not the host's own word says so. */
export function operationWord(operation: Operation): Word {
  if (operation.state !== 'finished' || !operation.outcome) {
    return STATES[operation.state] ?? { text: operation.state, tone: 'quiet' };
  }
  const word = OUTCOMES[operation.outcome] ?? { text: operation.outcome, tone: 'quiet' as Tone };
  if (operation.reported || operation.outcome === 'refused') return word;
  return { text: `${word.text}, host has not reported`, tone: word.tone };
}

export function progressText(operation: Operation): string {
  const p = operation.progress;
  if (!p) return operation.message ?? operationWord(operation).text;
  const count = p.expected ? ` (${p.done ?? 0} of ${p.expected})` : '';
  return [p.phase && `${p.phase}${count}`, p.text].filter(Boolean).join(': ');
}

/** What there is to say beside the state itself. */
export const detailText = (operation: Operation) =>
  (operation.state !== 'finished' && operation.progress ? progressText(operation) : operation.message ?? '');

/** Between 0 and 1, or null when nobody knows. */
export function progressShare(operation: Operation): number | null {
  const p = operation.progress;
  if (!p?.expected || p.done === null) return null;
  return Math.min(1, p.done / p.expected);
}

function trouble(host: Host): Word | null {
  if (host.liveness === 'conflict') {
    return { text: 'Two machines claim this name. Decide on the host page.', tone: 'bad' };
  }
  if (host.identity === 'revoked') return { text: 'Cut off: its token was revoked.', tone: 'bad' };
  for (const { name, label } of COMPARTMENTS) {
    const c = host.compartments[name];
    if (c.status === 'error') return { text: `${label}: ${compartmentSentence(name, c)}`, tone: 'bad' };
  }
  return null;
}

function pending(host: Host): Word | null {
  const { git, lock, system, agent } = host.compartments;
  if (git.status === 'outdated') {
    const far = git.behind ? `Behind by ${commits(git.behind)}.` : (git.message ?? 'Behind the branch.');
    return { text: far, tone: 'warn' };
  }
  if (system.status === 'outdated') {
    return { text: 'The new configuration is here, but not running.', tone: 'warn' };
  }
  if (lock.status === 'outdated') return { text: compartmentSentence('lock', lock), tone: 'warn' };
  if (agent.status === 'outdated') return { text: compartmentSentence('agent', agent), tone: 'warn' };
  return null;
}

interface SystemState { state: string; revision: string | null; path: string | null }
const LEVELS = new Map<string | null, Tone>([['ok', 'ok'], ['warn', 'warn'], ['bad', 'bad'], ['busy', 'busy']]);
/** What a host may advise: nothing that means more to a shell. */
const ADVICE = /^(nixfleet( [a-z-]+)+|reboot)$/;

// A host may put anything into its facts: these take what has the right form.
type Said = { [key: string]: Json };
const text = (v: Json | undefined) => (typeof v === 'string' && v !== '' ? v : null);
const object = (v: Json | undefined): Said | null => (typeof v === 'object' && v !== null && !Array.isArray(v) ? v : null);
const objects = (v: Json | undefined) => (Array.isArray(v) ? v : []).map(object).filter((o): o is Said => o !== null);

/** The host's own sentence about its system, and the states behind it. */
export function standing(host: Host): { word: Word; action: string; states: SystemState[] } | null {
  const summary = object(host.facts?.summary);
  const sentence = text(summary?.text);
  const states = host.facts?.states;
  if (!summary || !sentence || !Array.isArray(states)) return null;
  const action = text(summary.action) ?? '';
  return {
    word: { text: sentence, tone: LEVELS.get(text(summary.level)) ?? 'quiet' },
    action: ADVICE.test(action) ? action : '',
    states: objects(states).map((s) => ({ state: text(s.state) ?? '', revision: text(s.revision), path: text(s.path) })),
  };
}

interface Held { revision: string; text: string; retry_at: string | null }

/** How a host follows the branch by itself, and what it holds back; nothing if it does not. */
export function following(host: Host): { word: Word; held: Held[] } | null {
  const follow = object(host.facts?.follow);
  const mode = text(follow?.mode);
  if (!follow || !mode) return null;
  const held = objects(follow.held_back)
    .map((h) => ({ revision: text(h.revision) ?? '', text: text(h.text) ?? '', retry_at: text(h.retry_at) }));
  const p = object(follow.paused);
  if (p) {
    const end = text(p.until);
    const reason = text(p.reason);
    const until = end ? `until ${since(end)}` : 'until somebody resumes it';
    return { word: { text: `Paused by ${text(p.by) ?? 'somebody'} ${until}${reason ? `: ${reason}` : ''}.`, tone: 'warn' }, held };
  }
  const failure = text(follow.failure_text);
  if (failure) {
    return { word: { text: `Cannot look at the branch: ${failure}`, tone: 'bad' }, held };
  }
  const window = text(follow.window);
  const hours = window ? `, ${window}` : '';
  return { word: { text: `Follows by itself (${mode}${hours}).`, tone: held.length > 0 ? 'warn' : 'ok' }, held };
}

/** The one sentence that says how a host is. */
export function hostSentence(host: Host, running: Operation | null): Word {
  if (running) {
    return { text: `${opLabel(running.op)}: ${progressText(running)}`, tone: 'busy' };
  }
  if (host.liveness === 'never') return { text: 'Its agent has never connected.', tone: 'quiet' };
  const word = trouble(host) ?? pending(host);
  if (word) return word;
  if (host.queued > 0) return { text: `${plural(host.queued, 'operation')} waiting for this host.`, tone: 'quiet' };
  if (host.liveness !== 'connected') {
    return { text: 'Was up to date when last heard of.', tone: 'quiet' };
  }
  const unknown = COMPARTMENTS.filter((c) => host.compartments[c.name].status === 'unknown');
  const said = standing(host)?.word;
  if (said && said.tone !== 'ok' && said.tone !== 'busy') return said;
  if (unknown.length >= 3) return { text: 'Connected, not checked yet. Refresh to check.', tone: 'quiet' };
  return { text: 'Up to date.', tone: 'ok' };
}

/** The operation that a person most likely wants next. */
export function nextOp(host: Host): string {
  const { git, system, lock, tests } = host.compartments;
  if (git.status === 'outdated') return 'pull-switch';
  if (system.status === 'outdated' || system.status === 'error') return 'switch';
  if (git.status === 'error') return 'pull';
  if (tests.status === 'error' || tests.status === 'outdated') return 'test';
  if (lock.status === 'outdated') return 'update';
  return 'pull';
}
