import './dom';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { LiveMessage, LogLine } from '../src/api';
import { backoff, judge } from '../src/live';
import { append, lastSeq, type Log } from '../src/logs';
import { parseRoute } from '../src/route';
import { rangeOf } from '../src/components/virtual';

const delta = (version: number): LiveMessage => ({ type: 'delta', version, payload: {} });

// A lost delta must lead to a fresh state, a repeated one must not.
test('versions without a gap are applied, gaps are not', () => {
  assert.equal(judge(delta(8), 7), 'apply');
  assert.equal(judge(delta(9), 7), 'resync');
  assert.equal(judge(delta(7), 7), 'ignore');
  assert.equal(judge({ type: 'sync', version: 7 }, 7), 'ignore');
  assert.equal(judge({ type: 'sync', version: 9 }, 7), 'resync');
  assert.equal(judge({ type: 'later' } as unknown as LiveMessage, 7), 'ignore');
});

// Waiting grows, stays within its bound, and differs between browsers.
test('reconnecting backs off with jitter', () => {
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(0, 0), 250);
  assert.equal(backoff(3, 1), 4000);
  assert.equal(backoff(1000, 1), 15_000);
});

const line = (seq: number): LogLine => ({ seq, ts: 0, stream: 'stdout', text: String(seq) });
const emptyLog = () => ({ lines: [] as LogLine[], waiting: [] as LogLine[] }) as unknown as Log;

// Lines that come twice are shown once; lines after a gap wait until it is filled.
test('a log takes lines once and in order', () => {
  const log = emptyLog();
  assert.equal(append(log, [line(1), line(2)]), false);
  assert.equal(append(log, [line(2), line(3)]), false);
  assert.equal(append(log, [line(5), line(6)]), true);
  assert.equal(lastSeq(log), 3);
  assert.deepEqual(log.waiting.map((l) => l.seq), [5, 6]);
});

// An address of another version, or a broken one, leads to the fleet and not to an error.
test('addresses', () => {
  assert.deepEqual(parseRoute('#/hosts/web%2D1'), { view: 'host', id: 'web-1' });
  assert.deepEqual(parseRoute('#/operations/01H?x=1'), { view: 'operation', id: '01H' });
  assert.deepEqual(parseRoute('#/hosts/%E0%A4%A'), { view: 'host', id: '%E0%A4%A' });
  assert.deepEqual(parseRoute('#/elsewhere'), { view: 'fleet' });
});

// The drawn part covers what is seen, and never reaches outside of the list.
test('ranges of a long list', () => {
  assert.deepEqual(rangeOf(0, 600, 20, 1000, 5), { first: 0, last: 35 });
  assert.deepEqual(rangeOf(19_990, 600, 20, 1000, 5), { first: 994, last: 1000 });
  assert.deepEqual(rangeOf(90_000, 600, 20, 10, 5), { first: 10, last: 10 });
  assert.deepEqual(rangeOf(-300, 600, 20, 0, 5), { first: 0, last: 0 });
});
