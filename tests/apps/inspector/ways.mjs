// Ways to use the page: by the keyboard, in the dark, on a phone, with thousands of exchanges.

import { check, until } from '../chromium.mjs';
import { get, listed, open, shows } from './page.mjs';

export async function keys({ page }) {
  for (let count = 0; count < 5; count += 1) await get(`/empty?${count}`);
  await listed(page, 5);
  const opened = (text) => until(page, `${text} open`, (text) => document.querySelector('#detail .title .path')?.textContent === text, text);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await opened('/empty?3');
  await page.keyboard.press('k');
  await opened('/empty?4');
  await page.keyboard.press('G');
  await opened('/empty?0');
  await page.keyboard.press('Escape');
  await until(page, 'closed', () => document.querySelector('#detail').hidden);
  await page.keyboard.press('Enter');
  await opened('/empty?0');
  await page.goBack();
  await until(page, 'closed by the browser\'s own way back', () => document.querySelector('#detail').hidden);
  await page.keyboard.press('/');
  await page.keyboard.type('jjj?');
  check(await page.inputValue('[name=text]') === 'jjj?', 'what is typed into a field is no command');
  await page.click('#no-filter');
  await page.locator('#grid').focus();
  await page.keyboard.press('?');
  const closed = (dialog) => until(page, `${dialog} closed`, (dialog) => !document.querySelector(dialog).open, dialog);
  await page.waitForSelector('#help[open]');
  await page.keyboard.press('Escape');
  await closed('#help');
  await page.keyboard.press('e');
  await page.waitForSelector('#edit[open]');
  await page.keyboard.press('Escape');
  await closed('#edit');
  await page.keyboard.press(' ');
  await page.waitForSelector('#replay-marked:not([hidden])');
  await page.keyboard.press('x');
  await shows(page, 'Press again to clear 5 requests', '#toast');
  await page.keyboard.press('x');
  await until(page, 'empty', () => document.querySelector('.empty') && document.querySelector('#grid').hidden);

  // Dark by the system's wish, light by the reader's own, which is remembered.
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await paper();
  check(light !== dark, 'dark differs');
  await page.keyboard.press('t');
  check(await paper() === light, 't makes it light');
  await page.reload();
  check(await paper() === light, 'and it stays');
}

/** On a phone: the list or the details, and a button back. */
export async function narrow({ page }) {
  await page.setViewportSize({ width: 360, height: 640 });
  await get('/api/orders');
  await listed(page, 1);
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  check(await fits(), 'the list is no wider than the phone');
  await open(page, '/api/orders');
  check(await page.isHidden('#requests') && await page.isVisible('#detail'), 'the details take its place');
  check(await fits(), 'nor are the details');
  await page.click('[aria-label="Back to the list"]');
  await page.waitForSelector('#requests:visible');
  check(await page.isHidden('#detail'), 'and back');
}

/** Thousands: few lines exist, what is in sight stays there, and much at once is few drawings. */
export async function many({ page }) {
  for (let sent = 0; sent < 1200; sent += 40) await Promise.all(Array.from({ length: 40 }, () => get('/empty')));
  await listed(page, 1200);
  const lines = () => page.locator('#grid .body .row').count();
  check(await lines() < 80, `${await lines()} lines exist`);
  await page.evaluate(() => { document.querySelector('#grid').scrollTop = 600 * 34; });
  // Lines follow a scroll with the next frame.
  const inSight = async () => (await page.waitForFunction(() => {
    const { left, top } = document.querySelector('#grid').getBoundingClientRect();
    return document.elementFromPoint(left + 300, top + 200).closest('.row')?.id;
  })).jsonValue();
  const before = await inSight();
  await Promise.all(Array.from({ length: 40 }, () => get('/empty')));
  await listed(page, 1240);
  check(await inSight() === before, 'what is in sight stays');

  // A thousand events at once.
  const drawings = await page.evaluate(async () => {
    const ask = requestAnimationFrame;
    let drawings = 0;
    window.requestAnimationFrame = (work) => ask(() => {
      drawings += 1;
      work();
    });
    const { exchanges: [one] } = await (await fetch('api/requests?limit=1')).json();
    for (let id = 1_000_000; id < 1_001_000; id += 1) {
      window.source.dispatchEvent(new MessageEvent('exchange', { data: JSON.stringify({ ...one, id }) }));
    }
    await new Promise((done) => { ask(() => ask(done)); });
    window.requestAnimationFrame = ask;
    return drawings;
  });
  await listed(page, 2240);
  check(drawings === 1, `${drawings} drawings for one burst`);
  check(await inSight() === before, 'what is in sight stays in a burst');
  check(await lines() < 80, 'few lines still');

  // A page that is opened later has all of them.
  await page.reload();
  await listed(page, 1240);
  await page.keyboard.press('G');
  await until(page, 'the oldest in sight', () => document.querySelector('#row-1'));
}

/** Cut off from the inspector it says so, tries again, and then has what it missed. */
export async function lost({ page }) {
  await get('/empty?before');
  await listed(page, 1);
  await page.route('**/api/events', (route) => route.abort());
  await page.evaluate(() => window.source.dispatchEvent(new Event('error')));
  await page.waitForSelector('#lost:visible');
  check(await page.isHidden('#state'), 'what is not known any longer is not said');
  await get('/empty?meanwhile');
  await page.unroute('**/api/events');
  await until(page, 'connected again', () => document.querySelector('#lost').hidden);
  await listed(page, 2);
  await get('/empty?after');
  await listed(page, 3);
}
