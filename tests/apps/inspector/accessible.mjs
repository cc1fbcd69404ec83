// What axe, which knows the rules of accessibility, finds wrong with the page: nothing.

import fs from 'node:fs';
import path from 'node:path';

import { check } from '../chromium.mjs';
import { get, listed, modules, open, post, shows } from './page.mjs';

/** What axe finds wrong, in either colour, in the views that there are. */
export async function accessible({ page }) {
  const axe = fs.readFileSync(path.join(modules, 'node_modules/axe-core/axe.min.js'), 'utf8');
  let rules = 0;
  const examine = async (view) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
      // In a world of its own: the page's policy lets no script in.
      await page.evaluate(axe);
      const found = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), tags);
      rules += found.passes.length;
      const wrong = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join('; ')}`);
      check(!wrong.length, `${view}, ${colorScheme}:\n${wrong.join('\n')}`);
    }
  };
  await page.waitForSelector('.empty .lead');
  await examine('nothing yet');
  await get('/api/orders');
  await post('/login', 'application/x-www-form-urlencoded', 'user=a');
  await get('/fails');
  await post('/hooks/github', 'application/json', '{"action":"opened"}', { 'x-github-event': 'issues', 'x-github-delivery': 'a' });
  await get('/nothing');
  await listed(page, 5);
  await examine('the list');
  for (const where of ['/login', '/fails', '/hooks/github', '/api/orders']) {
    await open(page, where);
    await shows(page, 'Body');
    await examine(where);
  }
  await page.keyboard.press('r');
  await shows(page, 'differ', '#detail .compare');
  await examine('a comparison');
  for (const [key, dialog] of [['e', '#edit'], ['?', '#help']]) {
    await page.keyboard.press(key);
    await page.waitForSelector(`${dialog}[open]`);
    await examine(dialog);
    await page.keyboard.press('Escape');
  }
  check(rules > 300, `only ${rules} rules were examined`);
}
