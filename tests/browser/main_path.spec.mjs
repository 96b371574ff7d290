// The main path on a real hub with real agents. The hub is given by
//   NIXFLEET_TEST_URL, NIXFLEET_TEST_PASSWORD  where it is and how to log in
//   NIXFLEET_TEST_PUSH      a shell command that pushes a commit to the fleet's repository
//   NIXFLEET_TEST_HOSTS     how many hosts to wait for (default 3)
//   NIXFLEET_TEST_SHOT      where to leave a screenshot (optional)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { launch, openPage } from './browser.mjs';

const { NIXFLEET_TEST_URL: url, NIXFLEET_TEST_PASSWORD: password, NIXFLEET_TEST_PUSH: push } = process.env;
const count = Number(process.env.NIXFLEET_TEST_HOSTS ?? 3);
const missing = !url || !password || !push ? 'NIXFLEET_TEST_URL, _PASSWORD and _PUSH name no hub' : false;
const SLOW = { timeout: 120_000 };

async function logIn(page) {
  await page.goto(url);
  await page.locator('input[type=password]').fill(password);
  await page.locator('button[type=submit]').click();
  await page.getByRole('table', { name: 'Hosts' }).waitFor();
  await page.evaluate(() => { window.sameDocument = true; });
}

const rowsWith = (page, text) => page.locator('[data-row]').filter({ hasText: text });
const until = (page, fn, arg) => page.waitForFunction(fn, arg, SLOW);
const rowsSay = ([pattern, n]) =>
  [...document.querySelectorAll('[data-row]')].filter((r) => new RegExp(pattern).test(r.innerText)).length >= n;

// A pushed commit is seen, pulled, built and switched to, by clicks alone and without a reload.
test('push, fall behind, pull and switch, up to date', { skip: missing, timeout: 600_000 }, async () => {
  const browser = await launch();
  const page = await openPage(browser);
  try {
    await logIn(page);
    await until(page, rowsSay, ['connected', count]);

    execFileSync('/bin/sh', ['-c', push], { stdio: 'inherit' });
    await until(page, rowsSay, ['Behind by \\d+ commit', count]);

    await page.getByLabel('Select all hosts that are shown').check();
    await page.getByRole('button', { name: 'Pull and switch', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pull and switch' }).click();

    const lines = page.getByRole('region', { name: 'Log lines' }).locator('.log-line');
    await lines.first().waitFor(SLOW);
    if (process.env.NIXFLEET_TEST_SHOT) {
      await until(page, () => document.querySelectorAll('.log-line').length >= 8);
      await page.screenshot({ path: process.env.NIXFLEET_TEST_SHOT });
    }
    await until(page, (n) => {
      const tabs = [...document.querySelectorAll('[role=tab]')];
      return tabs.length >= n && tabs.every((t) => t.querySelector('.icon-ok'));
    }, count);
    await until(page, rowsSay, ['Up to date', count]);
    assert.equal(await rowsWith(page, 'Behind by').count(), 0);

    await page.getByRole('link', { name: 'Operations', exact: true }).click();
    await page.getByRole('table', { name: 'Operations' }).waitFor();
    assert.ok((await page.getByRole('link', { name: 'Pull and switch' }).count()) >= count);
    assert.equal(await page.evaluate(() => window.sameDocument), true, 'the page was reloaded');
    assert.deepEqual(page.complaints, []);
  } finally {
    await browser.close();
  }
});
