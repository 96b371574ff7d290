// A hub that only pretends: it serves web/dist and answers the dashboard as
// docs/reference/http-api.md says, for quick tests of the page and for working on it.
// Run it by hand: node mock_hub.mjs [port] [number of hosts]
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import {
  healthy, largeFleet, oldEvents, oldOperations, operation, opTable, repository, REVISION, SCRIPT, smallFleet,
} from './mock_data.mjs';

const DIST = fileURLToPath(new URL('../../web/dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
  + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
export const TOTP = '123456';

const LOGIN = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log in · NixFleet</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/login.css"></head>
<body><main><h1>NixFleet</h1><p>Log in to see the fleet.</p><form method="post" action="/login">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<label for="totp">Code from your authenticator</label><input id="totp" name="totp" inputmode="numeric" autocomplete="one-time-code">
<button type="submit">Log in</button></form></main></body></html>`;

class MockHub {
  constructor({ hosts = 0, empty = false, stepMs = 40 } = {}) {
    const fleet = empty ? [] : hosts > 0 ? largeFleet(hosts) : smallFleet();
    this.hosts = new Map(fleet.map((h) => [h.id, h]));
    const history = empty || hosts > 0 ? [] : oldOperations();
    this.operations = new Map(history.map((o) => [o.id, o]));
    this.logs = new Map();
    this.events = empty ? [] : oldEvents();
    this.repository = repository();
    this.version = 1;
    this.stepMs = stepMs;
    this.loggedIn = true;
    this.csrf = 'mock-csrf-token';
    this.dispatched = [];
    this.timers = new Set();
    this.hubVersion = '0.1.0';
  }

  async start(port = 0) {
    this.server = createServer((req, res) => {
      this.answer(req, res).catch((e) => this.json(res, 500, { error: String(e), code: 'internal' }));
    });
    this.sockets = new WebSocketServer({ noServer: true });
    this.server.on('upgrade', (req, socket, head) => {
      if (!this.loggedIn || req.url !== '/ws' || this.refusing) return socket.destroy();
      return this.sockets.handleUpgrade(req, socket, head, (ws) => this.welcome(ws));
    });
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async close() {
    this.timers.forEach(clearTimeout);
    this.drop();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  /** End all live connections; refuse new ones until refusing is unset. */
  drop(refusing = false) {
    this.refusing = refusing;
    for (const ws of this.sockets.clients) ws.terminate();
  }

  later(ms, fn) {
    const timer = setTimeout(() => { this.timers.delete(timer); fn(); }, ms);
    this.timers.add(timer);
  }

  send(ws, type, payload) { ws.send(JSON.stringify({ type, version: this.version, payload })); }

  init() {
    return {
      hosts: [...this.hosts.values()], operations: [...this.operations.values()], events: this.events,
      repository: this.repository, ops: opTable, hub: { version: this.hubVersion },
    };
  }

  welcome(ws) {
    ws.subscriptions = new Set();
    this.send(ws, 'init', this.init());
    ws.on('message', (text) => {
      const { type, payload } = JSON.parse(text);
      if (type === 'get_state') this.send(ws, 'init', this.init());
      if (type === 'unsubscribe') ws.subscriptions.delete(payload.op_id);
      if (type !== 'subscribe') return;
      ws.subscriptions.add(payload.op_id);
      const lines = (this.logs.get(payload.op_id) ?? []).filter((l) => l.seq > payload.after);
      const op = this.operations.get(payload.op_id);
      if (lines.length > 0) this.send(ws, 'output', { op_id: op.id, host_id: op.host_id, lines });
    });
  }

  /** Tell every browser; with lose, nobody hears this version. */
  delta(payload, lose = false) {
    this.version++;
    if (!lose) for (const ws of this.sockets.clients) this.send(ws, 'delta', payload);
  }

  change(id, fields, lose = false) {
    Object.assign(this.hosts.get(id), fields);
    this.delta({ hosts: [{ id, ...fields }] }, lose);
  }

  print(op, stream, text) {
    const log = this.logs.get(op.id) ?? [];
    this.logs.set(op.id, log);
    const line = { seq: log.length + 1, ts: new Date().toISOString(), stream, text };
    log.push(line);
    op.lines = log.length;
    for (const ws of this.sockets.clients) {
      if (ws.subscriptions.has(op.id)) this.send(ws, 'output', { op_id: op.id, host_id: op.host_id, lines: [line] });
    }
  }

  run(host, opName, by) {
    const op = operation(host.id, opName, by, 0, {
      state: 'queued', outcome: null, exit_code: null, started_at: null, finished_at: null, reported: false,
    });
    this.operations.set(op.id, op);
    if (host.status === 'online') {
      this.change(host.id, { operation: op });
      this.later(this.stepMs, () => this.step(host, op, 0));
    } else {
      this.delta({ operations: [op], hosts: [{ id: host.id, queued: ++host.queued }] });
    }
    return op;
  }

  step(host, op, n) {
    if (op.state === 'finished') return;
    if (n === SCRIPT.length) return this.finish(host, op, 'ok', 'Now at 4be17c09, generation 143.');
    const [stream, text, phase] = SCRIPT[n];
    this.print(op, stream, text);
    Object.assign(op, {
      state: 'running', started_at: op.started_at ?? new Date().toISOString(),
      progress: { phase, done: n + 1, expected: SCRIPT.length, text: text.replace(/\x1b\[[\d;]*m/g, '').slice(0, 60) },
    });
    this.delta({ operations: [op] });
    this.later(this.stepMs, () => this.step(host, op, n + 1));
  }

  finish(host, op, outcome, message) {
    Object.assign(op, {
      state: 'finished', outcome, message, reported: true, exit_code: outcome === 'ok' ? 0 : 1, progress: null,
      finished_at: new Date().toISOString(), phases: [{ name: 'fetch', ms: 310 }, { name: 'build', ms: 2200 }],
    });
    const fields = { operation: null };
    if (outcome === 'ok' && op.op === 'pull-switch') Object.assign(fields, { compartments: healthy(), generation: REVISION });
    Object.assign(host, fields);
    const event = {
      id: this.events.length + 1, timestamp: op.finished_at, category: 'operation', level: outcome === 'ok' ? 'info' : 'error',
      actor: op.by, host_id: host.id, action: 'finished', message: `${op.op}: ${outcome}`, details: null,
    };
    this.events = [event, ...this.events];
    this.delta({ hosts: [{ id: host.id, ...fields }], operations: [op], events: [event] });
  }

  json(res, status, body) {
    res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(body));
  }

  async answer(req, res) {
    const url = new URL(req.url, this.url);
    if (url.pathname === '/login' || url.pathname === '/logout') {
      this.loggedIn = req.method === 'POST' && url.pathname === '/login';
      if (req.method === 'POST') return res.writeHead(302, { Location: this.loggedIn ? '/' : '/login' }).end();
      return res.writeHead(200, { 'Content-Type': TYPES['.html'], 'Content-Security-Policy': CSP }).end(LOGIN);
    }
    if (!url.pathname.startsWith('/api/')) return this.file(url.pathname, res);
    if (!this.loggedIn) return this.json(res, 401, { error: 'Log in first.', code: 'unauthenticated' });
    if (req.method !== 'GET' && req.headers['x-csrf-token'] !== this.csrf) {
      return this.json(res, 403, { error: 'The CSRF token is missing or wrong.', code: 'csrf' });
    }
    let text = '';
    for await (const chunk of req) text += chunk;
    return this.route(req.method, url, text ? JSON.parse(text) : {}, res);
  }

  async file(path, res) {
    const name = normalize(path === '/' ? '/index.html' : path);
    if (path === '/' && !this.loggedIn) return res.writeHead(302, { Location: '/login' }).end();
    try {
      let body = await readFile(join(DIST, name));
      if (path === '/') body = body.toString().replace('data-csrf-token=""', `data-csrf-token="${this.csrf}"`);
      return res.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'text/plain', 'Content-Security-Policy': CSP }).end(body);
    } catch {
      return res.writeHead(404).end('not found');
    }
  }

  route(method, url, body, res) {
    const [, , what, id, sub] = url.pathname.split('/');
    const limit = Number(url.searchParams.get('limit') ?? 100);
    const host = url.searchParams.get('host');
    if (what === 'session') {
      return this.json(res, 200, { csrf_token: this.csrf, expires_at: '2099-01-01T00:00:00.000Z', hub_version: this.hubVersion, totp: true });
    }
    if (what === 'dispatch') return this.dispatch(body, res);
    if (what === 'events') return this.json(res, 200, { events: url.searchParams.has('before') ? [] : this.events });
    if (what === 'operations' && !id) {
      const before = url.searchParams.get('before') ?? '~';
      const all = [...this.operations.values()].filter((o) => (!host || o.host_id === host) && o.id < before);
      return this.json(res, 200, { operations: all.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit) });
    }
    if (what === 'operations') return this.operationRoute(method, this.operations.get(id), sub, url, res);
    if (what === 'hosts' && sub === 'events') {
      return this.json(res, 200, { events: this.events.filter((e) => e.host_id === id).slice(0, limit) });
    }
    if (what === 'hosts' && sub === 'token' && method === 'POST') return this.json(res, 200, { token: 'nf_0123456789abcdef' });
    if (what === 'hosts' && method === 'DELETE' && !sub) {
      this.hosts.delete(id);
      this.delta({ hosts_removed: [id] });
      return this.json(res, 200, { status: 'deleted', host_id: id });
    }
    return this.json(res, 404, { error: `There is no ${url.pathname}.`, code: 'not_found' });
  }

  operationRoute(method, op, sub, url, res) {
    if (!op) return this.json(res, 404, { error: 'There is no such operation.', code: 'not_found' });
    const log = this.logs.get(op.id) ?? [];
    if (sub === 'stop') {
      this.finish(this.hosts.get(op.host_id), op, 'stopped', 'Stopped by admin.');
      return this.json(res, 200, op);
    }
    if (sub === 'log') return res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(log.map((l) => l.text).join('\n'));
    if (sub !== 'output') return this.json(res, 200, op);
    const after = Number(url.searchParams.get('after'));
    const lines = log.filter((l) => l.seq > after).slice(0, Number(url.searchParams.get('limit')));
    const next = lines.length ? lines[lines.length - 1].seq : after;
    return this.json(res, 200, { lines, next, complete: op.state === 'finished' && next === log.length });
  }

  dispatch({ op, hosts, totp, force }, res) {
    if (op === 'reboot' && totp !== TOTP) return this.json(res, 403, { error: 'The code is wrong or too old.', code: 'totp' });
    this.dispatched.push({ op, hosts, force: force ?? false });
    const results = hosts.map((id) => {
      const host = this.hosts.get(id);
      if (host.operation && host.operation.state !== 'finished') {
        return { host_id: id, status: 'blocked', code: 'busy', message: 'Another operation is running.' };
      }
      if (op === 'switch' && host.compartments.system.status === 'ok' && !force) {
        return { host_id: id, status: 'blocked', code: 'already_current', message: 'Already runs what its configuration describes.' };
      }
      const started = this.run(host, op, 'admin');
      return { host_id: id, status: host.status === 'online' ? 'EXECUTING' : 'QUEUED', command_id: started.id, operation: started };
    });
    const error = results.filter((r) => r.status === 'blocked').length;
    const status = error === 0 ? 'success' : error === results.length ? 'failed' : 'partial';
    return this.json(res, 200, { status, results, summary: { success: results.length - error, error, total: results.length } });
  }
}

export const startMockHub = (options, port) => new MockHub(options).start(port);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = '8088', hosts = '0'] = process.argv.slice(2);
  const hub = await startMockHub({ hosts: Number(hosts), stepMs: 400 }, Number(port));
  console.log(`mock hub at ${hub.url}`);
}
