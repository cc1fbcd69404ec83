// What the browser tests of the inspector's page share: visits through the tunnel, and waits for what the page shows.

import { until } from '../chromium.mjs';

export const [what, modules, inspector, visited] = process.argv.slice(2);

/** A visit through the tunnel, to its end. */
export const get = async (where, options) => (await fetch(visited + where, { redirect: 'manual', ...options })).arrayBuffer();
export const post = (where, type, body, headers) =>
  get(where, { method: 'POST', body, headers: { 'content-type': type, ...headers } });

export const side = (which) => `#detail .sides > :nth-child(${which === 'request' ? 1 : 2})`;

export const rows = (page) => page.evaluate(() => Number(document.querySelector('#grid').getAttribute('aria-rowcount')) - 1);

/** Waits until so many are listed. */
export const listed = (page, count) => until(page, `${count} requests`, (count) =>
  document.querySelector('#grid').hidden === (count === 0)
  && Number(document.querySelector('#grid').getAttribute('aria-rowcount')) === count + 1, count);

/** The page, and all that goes wrong in it: nothing may. */
export async function inspect(context) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const Real = EventSource;
    window.EventSource = function (url) { return window.source = new Real(url); };
  });
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error.stack)));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && wrong.push(message.text()));
  await page.goto(inspector);
  return { page, wrong };
}

/** Opens the newest exchange whose path begins so, and waits until it is shown. */
export async function open(page, where) {
  await page.click(`#grid .body .row:has(.words:text("${where}"))`);
  await until(page, `${where} opened`, (where) => document.querySelector('#detail .title .path')?.textContent.startsWith(where), where);
  await page.waitForSelector('#detail .start, #detail .saids');
}

/** Waits for a text in the details, or what else is named. */
export const shows = (page, text, selector = '#detail') => until(page, `\`${text}\` in ${selector}`, ([text, selector]) =>
  [...document.querySelectorAll(selector)].some((place) => place.innerText.includes(text)), [text, selector]);
