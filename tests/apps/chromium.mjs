// A browser for a script of tests: started, handed over, and ended with all that it left.

import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Longest wait for anything, in ms, on a machine that does much else. */
export const PATIENCE = 60_000;

/** Runs `work(context)` in a browser with a profile of its own; `modules` is where Playwright lies. */
export async function browse(modules, work, { args = [], ...options } = {}) {
  const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'sendit-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--no-proxy-server', ...args,
    ],
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  try {
    return await work(context);
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

/** Fails with a sentence. */
export function check(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

/** Waits until the page shows it; the error says what was awaited, and what is shown instead. */
export async function until(page, what, condition, argument) {
  await page.waitForFunction(condition, argument, { timeout: PATIENCE }).catch(async (error) => {
    const shown = await page.evaluate(() => document.body.innerText).catch(() => '');
    throw new Error(`never: ${what}: ${error.message}\n${shown.slice(0, 3000)}`);
  });
}
