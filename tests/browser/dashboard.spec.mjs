// The dashboard in a real browser, against a pretended hub: every state that a
// real fleet reaches only slowly or by accident.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, openPage } from './browser.mjs';
import { makeHost } from './mock_data.mjs';
import { startMockHub, TOTP } from './mock_hub.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

/** Run fn with a hub and a page on it; the page must not have been reloaded or have complained. */
async function visit(hubOptions, pageOptions, fn) {
  const hub = await startMockHub(hubOptions);
  const page = await openPage(browser, pageOptions);
  try {
    await page.goto(hub.url);
    await page.evaluate(() => { window.sameDocument = true; });
    await fn(page, hub);
    assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page was reloaded');
    assert.deepEqual(page.complaints, []);
  } finally {
    await page.context().close();
    await hub.close();
  }
}

const row = (page, name) => page.locator('[data-row]', { has: page.getByRole('link', { name, exact: true }) });

async function axe(page, where) {
  // By the debugger, not as a <script>: the page's policy would refuse that, as it should.
  await page.evaluate(AXE);
  const result = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  const found = result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.any[0]?.message ?? ''}`).slice(0, 4).join(' | ')}`);
  assert.deepEqual(found, [], where);
}

// A person who cannot tell colours apart reads every state as a word.
test('hosts show their states as words', () => visit({}, {}, async (page) => {
  await row(page, 'borealis').waitFor();
  const text = await row(page, 'borealis').innerText();
  assert.match(text, /connected/);
  assert.match(text, /Behind by 3 commits\./);
  assert.match(text, /3 behind/);
  assert.match(await row(page, 'europa').innerText(), /offline since \d\d:\d\d|offline since \d+ \w+/);
  assert.match(await row(page, 'fornax').innerText(), /late/);
  assert.match(await row(page, 'daedalus').innerText(), /failing/);
  const head = await page.getByRole('banner').innerText();
  for (const word of ['main', '4be17c09', 'Open the firewall', 'min ago', 'live']) assert.ok(head.includes(word), word);
}));

// On a phone the log covers the page: who goes to another one wants to see it.
test('on a phone the log makes way for another page', () => visit({}, PHONE, async (page) => {
  await page.getByLabel('Select borealis').check();
  await page.getByRole('button', { name: 'Pull and switch', exact: true }).click();
  const dock = page.getByRole('region', { name: 'Logs' });
  await dock.waitFor();
  await page.evaluate(() => { location.hash = '#/events'; });
  await dock.waitFor({ state: 'detached' });
}));

// The way that everybody goes: tick, run, confirm, watch, done.
test('an operation on a selection, watched to its end', () => visit({}, {}, async (page, hub) => {
  await page.getByLabel('Select borealis').check();
  await page.getByLabel('Select calypso').check();
  await page.getByRole('button', { name: 'Pull and switch', exact: true }).click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.innerText(), /borealis, calypso/);
  await dialog.getByRole('button', { name: 'Pull and switch' }).click();
  const log = page.getByRole('region', { name: 'Log lines' });
  await log.getByText('reset to 4be17c09').waitFor();
  await page.getByRole('progressbar', { name: 'Pull and switch on borealis' }).first().waitFor();
  await log.getByText('confirmed: the hub and 4 probes').waitFor();
  await row(page, 'borealis').getByText('Up to date.').waitFor();
  await row(page, 'calypso').getByText('Up to date.').waitFor();
  await page.getByText(/^(borealis|calypso): Pull and switch ok\.$/).waitFor({ state: 'attached' });
  const texts = await log.locator('.log-text').allInnerTexts();
  assert.equal(new Set(texts).size, texts.length, 'a line came twice');
  assert.deepEqual(hub.dispatched, [{ op: 'pull-switch', hosts: ['borealis', 'calypso'], force: false }]);
}));

// Drift is told in words, with what is desired, built, running and booted beside it.
test('the six states of a host and what is wrong with them', () => visit({}, {}, async (page) => {
  await row(page, 'athena').getByText(/was not deployed here runs/).waitFor();
  await page.evaluate(() => { location.hash = '#/hosts/athena'; });
  const card = page.getByRole('region', { name: 'System' });
  await card.getByText(/^A closure that was not deployed here runs, seen since .* Now: nixfleet switch$/).waitFor();
  const states = await card.locator('tbody th').allInnerTexts();
  assert.deepEqual(states, ['desired', 'fetched', 'built', 'profile', 'running', 'booted']);
  await card.getByRole('row', { name: /running none .*by-hand/ }).waitFor();
}));

// What a host prints can colour a line and do nothing else.
test('log lines are text, coloured, searchable', () => visit({}, {}, async (page) => {
  await row(page, 'borealis').getByRole('button', { name: /^Pull and switch/ }).click();
  const log = page.getByRole('region', { name: 'Log lines' });
  await log.getByText('<script>alert("this is text")</script>').waitFor();
  assert.equal(await log.locator('script, b').count(), 0);
  assert.equal(await log.locator('.ansi-6').first().innerText(), '/nix/store/0v8c7x6z5l4k3j2h1g0f9d8s7a6q5w4e-postfix-3.9.1');
  const plain = await page.evaluate(() => {
    const colour = (c) => getComputedStyle(document.querySelector(`${c} .log-text`)).color;
    return colour('.log-stderr') === colour('.log-stdout');
  });
  assert.ok(plain, 'stderr must not look like a failure');
  await page.getByLabel('Search this log').fill('postfix');
  await page.getByText(/of 5 lines/).waitFor();
  assert.ok((await log.locator('mark').count()) >= 5);
  const link = page.getByRole('link', { name: /Download/ });
  assert.match(await link.getAttribute('href'), /^\/api\/operations\/\w+\/log$/);
}));

// A wrong code is told in place; nothing happens until it is right.
test('reboot asks for a code', () => visit({}, {}, async (page, hub) => {
  await page.getByRole('button', { name: 'More operations for athena' }).click();
  await page.getByRole('menuitem', { name: 'Reboot' }).click();
  await page.getByLabel('Code from your authenticator').fill('000000');
  await page.getByRole('dialog').getByRole('button', { name: 'Reboot' }).click();
  await page.getByText('The code is wrong or too old.').waitFor();
  assert.deepEqual(hub.dispatched, []);
  await page.getByLabel('Code from your authenticator').fill(TOTP);
  await page.getByRole('dialog').getByRole('button', { name: 'Reboot' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(hub.dispatched, [{ op: 'reboot', hosts: ['athena'], force: false }]);
}));

// A check that refuses is explained, and can be overruled on purpose only.
test('a blocked operation says why and can be forced', () => visit({}, {}, async (page, hub) => {
  await page.getByRole('button', { name: 'More operations for athena' }).click();
  await page.getByRole('menuitem', { name: 'Switch', exact: true }).click();
  await page.getByText('Already runs what its configuration describes.').waitFor();
  await page.getByRole('button', { name: 'Run anyway…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Switch' }).click();
  await page.getByRole('region', { name: 'Log lines' }).getByText('asked by admin').waitFor();
  assert.equal(hub.dispatched.at(-1).force, true);
}));

// Work for a host that is away waits, and the page says so.
test('an operation for an offline host is queued', () => visit({}, {}, async (page) => {
  await row(page, 'europa').getByRole('button', { name: /^Pull and switch/ }).click();
  await page.getByText('Pull and switch waits until europa can take it.').waitFor();
  await page.getByText('Waiting for the host. Lines appear here as they are printed.').waitFor();
}));

test('a running operation can be stopped', () => visit({ stepMs: 3000 }, {}, async (page) => {
  await row(page, 'galatea').getByRole('button', { name: /^Pull on/ }).click();
  await row(page, 'galatea').getByRole('button', { name: /^Stop/ }).click();
  await page.getByRole('region', { name: 'Logs' }).getByText('stopped', { exact: true }).waitFor();
}));

// The log goes on where it was, without a hole and without doubles.
test('a lost connection is told and healed', () => visit({ stepMs: 120 }, {}, async (page, hub) => {
  await row(page, 'borealis').getByRole('button', { name: /^Pull and switch/ }).click();
  await page.getByRole('region', { name: 'Log lines' }).getByText('From ssh://').waitFor();
  hub.drop(true);
  await page.getByRole('alert').getByText('Connection lost, reconnecting.').waitFor();
  hub.refusing = false;
  await page.getByRole('button', { name: 'Try now' }).click().catch(() => undefined);
  await page.getByRole('alert').getByText('Connection lost').waitFor({ state: 'detached' });
  await page.getByRole('region', { name: 'Log lines' }).getByText('confirmed: the hub').waitFor();
  assert.equal(await page.locator('.log-line').count(), 19);
  await row(page, 'borealis').getByText('Up to date.').waitFor();
}));

test('a lost delta is noticed by the next one', () => visit({}, {}, async (page, hub) => {
  await row(page, 'athena').waitFor();
  hub.change('athena', { liveness: 'late' }, true);
  hub.change('galatea', { liveness: 'late' });
  await row(page, 'athena').getByText('late', { exact: true }).waitFor();
  await row(page, 'galatea').getByText('late', { exact: true }).waitFor();
}));

test('an ended session leads to the login page, on request', () => visit({}, {}, async (page, hub) => {
  await row(page, 'athena').waitFor();
  hub.loggedIn = false;
  hub.drop();
  await page.getByRole('alert').getByText('Your session has ended.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Log in again' }).getAttribute('href'), '/login');
}));

// Logging in anew in another window must not break the buttons of this one.
test('a renewed session is taken over', () => visit({}, {}, async (page, hub) => {
  await row(page, 'galatea').waitFor();
  hub.csrf = 'renewed';
  await row(page, 'galatea').getByRole('button', { name: /^Pull on/ }).click();
  await page.getByRole('region', { name: 'Log lines' }).getByText('asked by admin').waitFor();
}));

// An operation that ended while nobody listened must not look as if it ran for ever.
test('what ended unheard is asked for', () => visit({ stepMs: 60_000 }, {}, async (page, hub) => {
  await row(page, 'galatea').getByRole('button', { name: /^Pull on/ }).click();
  await page.getByRole('region', { name: 'Logs' }).getByText('waiting for the host', { exact: true }).waitFor();
  const op = [...hub.operations.values()].find((o) => o.host_id === 'galatea' && o.state !== 'finished');
  const init = hub.init.bind(hub);
  hub.init = () => ({ ...init(), operations: [] });
  Object.assign(op, { state: 'finished', outcome: 'interrupted', reported: true });
  hub.hosts.get('galatea').operation = null;
  hub.drop();
  await page.getByRole('region', { name: 'Logs' }).getByText('interrupted').waitFor();
}));

// The first thing that a new user sees says what to do, and then becomes the fleet.
test('an empty fleet explains itself and fills by itself', () => visit({ empty: true }, {}, async (page, hub) => {
  await page.getByRole('heading', { name: 'Enrol your first host' }).waitFor();
  assert.match(await page.getByLabel('NixOS module', { exact: true }).innerText(), /services\.nixfleet-agent/);
  await axe(page, 'empty');
  const host = makeHost('newcomer');
  hub.hosts.set(host.id, host);
  hub.delta({ hosts: [host] });
  await row(page, 'newcomer').getByText('connected').waitFor();
  hub.hosts.clear();
  hub.delta({ hosts_removed: ['newcomer'] });
  await page.getByRole('heading', { name: 'Enrol your first host' }).waitFor();
}));

// Everything without a mouse.
test('keyboard only', () => visit({}, {}, async (page, hub) => {
  await row(page, 'athena').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('/');
  await page.keyboard.type('gal');
  await row(page, 'athena').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'More operations for galatea' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Pull and switch');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Log lines' }).getByText('asked by admin').waitFor();
  assert.deepEqual(hub.dispatched, [{ op: 'pull', hosts: ['galatea'], force: false }]);
  await page.getByLabel('Search hosts').fill('');
  await page.getByRole('link', { name: 'athena', exact: true }).focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'borealis');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'borealis' }).waitFor();
}));

// A thousand hosts: few rows are drawn, and filters answer at once.
test('a thousand hosts', () => visit({ hosts: 1000 }, {}, async (page, hub) => {
  await row(page, 'node-0001').waitFor();
  assert.ok((await page.locator('[data-row]').count()) < 80);
  assert.equal(await page.getByRole('table', { name: 'Hosts' }).getAttribute('aria-rowcount'), '1001');
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await row(page, 'node-1000').waitFor();
  hub.change('node-0999', { liveness: 'late' });
  await row(page, 'node-0999').getByText('late').waitFor();
  const ms = await page.evaluate(async () => {
    const field = document.querySelector('.toolbar input');
    const start = performance.now();
    field.value = '0500';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - start;
  });
  await row(page, 'node-0500').waitFor();
  assert.equal(await page.locator('[data-row]').count(), 1);
  assert.ok(ms < 500, `filtering took ${ms} ms`);
}));

// A hundred thousand lines are kept, a screenful is drawn.
test('a long log', () => visit({ stepMs: 60_000 }, {}, async (page, hub) => {
  await row(page, 'galatea').getByRole('button', { name: /^Pull on/ }).click();
  await page.getByRole('region', { name: 'Logs' }).waitFor();
  const op = [...hub.operations.values()].find((o) => o.host_id === 'galatea' && o.state !== 'finished');
  const lines = Array.from({ length: 100_000 }, (_, i) => ({ seq: i + 1, ts: op.created_at, stream: 'stdout', text: `line ${i + 1}` }));
  hub.logs.set(op.id, lines);
  for (const ws of hub.sockets.clients) hub.send(ws, 'output', { op_id: op.id, host_id: 'galatea', lines });
  await page.getByText('line 100000', { exact: true }).waitFor();
  assert.ok((await page.locator('.log-line').count()) < 120);
  const box = page.getByRole('region', { name: 'Log lines' });
  await box.evaluate((el) => { el.scrollTop = 0; });
  await page.getByText('line 1', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed'), 'false');
}));

const VIEWS = ['#/', '#/hosts/athena', '#/hosts/nobody', '#/operations', '#/events'];

for (const [name, options] of [
  ['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }], ['phone', { ...PHONE, colorScheme: 'light' }],
]) {
  // Contrast, names, roles, order; and on a phone nothing sticks out at the side.
  test(`every view is accessible: ${name}`, () => visit({}, { ...options, reducedMotion: 'reduce' }, async (page, hub) => {
    await row(page, 'borealis').waitFor();
    for (const view of VIEWS) {
      await page.evaluate((v) => { location.hash = v; }, view);
      await page.locator('main').getByText(/athena|no such host/i).first().waitFor();
      await axe(page, `${name} ${view}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${view} is ${wide} px too wide`);
    }
    await page.evaluate(() => { location.hash = '#/'; });
    await row(page, 'borealis').getByRole('button', { name: /^Pull and switch/ }).click();
    await page.getByRole('region', { name: 'Log lines' }).getByText('confirmed: the hub').waitFor();
    await axe(page, `${name} with a log`);
    await page.getByRole('button', { name: 'Close the log panel' }).click();
    await page.getByRole('button', { name: 'More operations for athena' }).click();
    await axe(page, `${name} with a menu`);
    await page.getByRole('menuitem', { name: 'Reboot' }).click();
    await page.getByLabel('Code from your authenticator').waitFor();
    await axe(page, `${name} with a dialog`);
    hub.drop(true);
    await page.keyboard.press('Escape');
    await page.getByText('Connection lost, reconnecting.').waitFor();
    await axe(page, `${name} without a connection`);
  }));
}
