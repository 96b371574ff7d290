// One Chromium for the tests of a file.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export function chromiumPath() {
  const named = process.env.NIXFLEET_TEST_CHROMIUM;
  return named ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
}

export const launch = () => chromium.launch({ executablePath: chromiumPath(), headless: true, args: FLAGS });

/** A page that remembers everything it complained about. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (e) => page.complaints.push(String(e)));
  page.on('console', (m) => {
    const text = m.text();
    if (m.type() === 'error' && !/WebSocket connection|Failed to load resource/.test(text)) page.complaints.push(text);
  });
  page.setDefaultTimeout(15_000);
  return page;
}
