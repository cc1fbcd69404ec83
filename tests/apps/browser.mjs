// A real browser at the public URL of a Vite dev server: the page comes, and an edit of its source changes it in place.

import fs from 'node:fs';

import { browse } from './chromium.mjs';

const [modules, url, source] = process.argv.slice(2);

await browse(modules, async (context) => {
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.goto(url, { timeout: 60_000 });
  const shows = (text) =>
    page.waitForFunction((text) => document.querySelector('#app').textContent === text, text, { timeout: 60_000 })
      .catch((error) => { throw new Error(`\`${text}\` was never shown: ${error}; ${said.join('; ')}`); });
  await shows('first');
  await page.waitForFunction(() => performance.getEntriesByType('resource').length > 1);
  await page.evaluate(() => { window.kept = 'kept'; });
  // The dev server says so over its WebSocket.
  const begin = Date.now();
  while (!said.some((line) => line.includes('[vite] connected'))) {
    if (Date.now() - begin > 60_000) throw new Error(`no WebSocket: ${said.join('; ')}`);
    await page.waitForTimeout(50);
  }
  fs.writeFileSync(source, fs.readFileSync(source, 'utf8').replace('first', 'second'));
  await shows('second');
  if (await page.evaluate(() => window.kept) !== 'kept') throw new Error('the page was loaded anew');
  console.log('the page changed in place');
});
