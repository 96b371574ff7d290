// The live channel: connect, follow the versions, and come back after every break.
import { ApiError, loadSession, type LiveMessage, type LiveRequest, type OutputBatch } from './api';
import { applyDelta, applyInit, asksTotp, connection, retryAt } from './store';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
// The hub says something at least every 30 seconds.
const SILENCE_MS = 75_000;

let socket: WebSocket | null = null;
let version = -1;
let failures = 0;
let asked = false;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let silenceTimer: ReturnType<typeof setTimeout> | undefined;
let onOutput: (batch: OutputBatch) => void = () => undefined;
let onOpen: () => void = () => undefined;

/** Milliseconds to wait after the nth failure in a row: doubling, with jitter. */
export function backoff(nth: number, random = Math.random()): number {
  const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(nth, 10));
  return Math.round(full / 2 + (full / 2) * random);
}

/** What a message means to a reader who has seen everything up to version `seen`. */
export function judge(message: LiveMessage, seen: number): 'apply' | 'resync' | 'ignore' {
  switch (message.type) {
    case 'init': return 'apply';
    case 'output': return 'apply';
    case 'sync': return message.version === seen ? 'ignore' : 'resync';
    case 'delta':
      if (message.version === seen + 1) return 'apply';
      return message.version <= seen ? 'ignore' : 'resync';
    default: return 'ignore';
  }
}

export function send(request: LiveRequest): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(request));
  return true;
}

function resync(): void {
  if (!asked) asked = send({ type: 'get_state' });
}

function heard(): void {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(() => socket?.close(), SILENCE_MS);
}

function receive(text: string): void {
  heard();
  const message = JSON.parse(text) as LiveMessage;
  const verdict = judge(message, version);
  if (verdict === 'resync') resync();
  if (verdict !== 'apply') return;
  switch (message.type) {
    case 'init':
      applyInit(message.payload);
      version = message.version;
      asked = false;
      connection.value = 'live';
      failures = 0;
      break;
    case 'delta':
      version = message.version;
      if (!applyDelta(message.payload)) resync();
      break;
    case 'output':
      onOutput(message.payload);
      break;
    case 'sync':
  }
}

async function sessionEnded(): Promise<boolean> {
  try {
    asksTotp.value = (await loadSession()).totp;
    return false;
  } catch (problem) {
    return problem instanceof ApiError && problem.status === 401;
  }
}

async function lost(): Promise<void> {
  clearTimeout(silenceTimer);
  socket = null;
  if (connection.peek() === 'ended') return;
  connection.value = failures === 0 && version < 0 ? 'connecting' : 'lost';
  if (await sessionEnded()) {
    connection.value = 'ended';
    retryAt.value = null;
    return;
  }
  const wait = backoff(failures++);
  retryAt.value = Date.now() + wait;
  retryTimer = setTimeout(connect, wait);
}

/** Try again at once, whatever the waiting time says. */
export function connect(): void {
  clearTimeout(retryTimer);
  if (socket || connection.peek() === 'ended') return;
  retryAt.value = null;
  asked = false;
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const mine = new WebSocket(`${scheme}://${location.host}/ws`);
  socket = mine;
  mine.onopen = () => { heard(); onOpen(); };
  mine.onmessage = (event) => receive(String(event.data));
  mine.onclose = () => { if (socket === mine) void lost(); };
}

export function startLive(hooks: { output: (batch: OutputBatch) => void; open: () => void }): void {
  onOutput = hooks.output;
  onOpen = hooks.open;
  void loadSession().then((s) => { asksTotp.value = s.totp; }, () => undefined);
  addEventListener('online', connect);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && retryAt.peek() !== null) connect();
  });
  connect();
}
