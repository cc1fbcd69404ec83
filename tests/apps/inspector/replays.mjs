// What can be done with exchanges: replays, as they were, edited, and several in order; copies and downloads.

import fs from 'node:fs';

import { check } from '../chromium.mjs';
import { get, inspector, listed, open, post, shows, side } from './page.mjs';

export async function replays({ page }) {
  await get('/api/count?one');
  await post('/echo?two', 'application/json', '{"a": 1}', { 'x-kept': 'kept' });
  await listed(page, 2);
  await open(page, '/api/count');
  await page.keyboard.press('r');
  await listed(page, 3);
  await shows(page, 'The bodies differ.', '#detail .compare');
  await shows(page, '-   "count": 1', '#detail .diff .old');
  await shows(page, '+   "count": 2', '#detail .diff .new');
  await shows(page, 'replay of #1', '#grid .body .row:first-child .badges, #grid .row.open .badges');

  await open(page, '/echo');
  await page.click('#detail button:has-text("Edit")');
  await page.fill('#edit [name=method]', 'PUT');
  await page.fill('#edit [name=path]', 'nowhere');
  await page.click('#edit button:has-text("Send")');
  await shows(page, 'the path has to begin with /', '#edit');
  await page.fill('#edit [name=path]', '/echo?edited');
  await page.fill('#edit [name=body]', '{"a": 2}');
  await page.click('#edit button:has-text("Send")');
  await listed(page, 4);
  await shows(page, '+   "a": 2', '#detail .diff .new');
  await shows(page, 'x-method: PUT', '#detail .diff .new');
  await page.click('#detail [role=tab]:text("Exchange")');
  await shows(page, 'PUT /echo?edited HTTP/1.1', '#detail .start');
  await shows(page, 'kept', `${side('request')} table td`);

  // Several, the oldest first.
  await page.keyboard.press('Escape');
  for (const row of ['/api/count', '/echo']) {
    const one = page.locator(`#grid .body .row:not(:has(.badge)):has(.words:text("${row}"))`);
    await one.hover();
    await one.locator('input').check();
  }
  await page.click('#replay-marked');
  await shows(page, 'Done', '#series button');
  const order = await page.locator('#series tbody th').allInnerTexts();
  check(order.join() === '#1 GET /api/count?one,#2 POST /echo?two', `the order is ${order}`);
  await listed(page, 6);
  await page.click('#series tr:nth-child(2) button');
  await shows(page, 'The answers are the same.|Only headers differ'.split('|')[1], '#detail .compare .summary');

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(inspector).origin });
  await page.keyboard.press('c');
  await shows(page, 'as curl', '#toast');
  check(/^curl /.test(await page.evaluate(() => navigator.clipboard.readText())), 'the clipboard has a curl line');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#har')]);
  const har = JSON.parse(fs.readFileSync(await download.path(), 'utf8'));
  check(har.log.entries.length === 6, 'the HAR has all');
}
