// Pages of other origins, open in the same browser: none can read what passed, or change anything.

import http from 'node:http';

import { check } from '../chromium.mjs';
import { get, inspector, listed, rows } from './page.mjs';

/** An origin of its own, at another port: what it is asked, and nothing on its pages. */
async function origin() {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><link rel=icon href=data:,><title>foreign</title>');
  });
  await new Promise((listens) => { server.listen(0, '127.0.0.1', listens); });
  return { url: `http://127.0.0.1:${server.address().port}/`, end: () => server.close() };
}

/** All that a page may try to get at `to`; what it got. */
async function tries({ to, token }) {
  const got = [];
  const attempt = async (name, work) => {
    try {
      const said = await Promise.race([work(), new Promise((done) => { setTimeout(() => done(null), 10_000); })]);
      if (said) got.push(`${name}: ${said}`.slice(0, 300));
    } catch {
      // Nothing was got, as it shall be.
    }
  };
  const text = async (path, options) => (await fetch(to + path, options)).text();
  await attempt('fetch', () => text('api/requests'));
  await attempt('status', () => text('api/status'));
  await attempt('page', () => text(''));
  await attempt('fetch with credentials', () => text('api/requests/1', { credentials: 'include' }));
  await attempt('opaque fetch', async () => (await fetch(`${to}api/requests`, { mode: 'no-cors' })).text());
  await attempt('delete', () => text('api/requests', { method: 'DELETE', headers: { 'sendit-token': token } }));
  await attempt('delete without a preflight', () => text('api/requests?_method=DELETE', { method: 'POST', mode: 'no-cors', body: '' }));
  await attempt('replay', () => text('api/requests/1/replay', { method: 'POST', mode: 'no-cors' }));
  await attempt('ngrok\'s replay', () => text('api/requests/http', {
    method: 'POST', mode: 'no-cors', body: '{"id":"1"}', headers: { 'content-type': 'text/plain' } }));
  await attempt('events', () => new Promise((done, fail) => {
    const source = new EventSource(`${to}api/events`);
    source.onopen = () => done('open');
    source.onerror = fail;
  }));
  await attempt('socket', () => new Promise((done, fail) => {
    const socket = new WebSocket(`${to.replace('http', 'ws')}api/events`);
    socket.onopen = () => done('open');
    socket.onerror = fail;
  }));
  const element = (name, props) => new Promise((done, fail) => {
    const made = Object.assign(document.createElement(name), props);
    made.onload = () => done('loaded');
    made.onerror = fail;
    document.head.append(made);
  });
  await attempt('script', () => element('script', { src: `${to}page/main.js` }));
  await attempt('module', () => element('script', { type: 'module', src: `${to}page/api.js` }));
  await attempt('style', () => element('link', { rel: 'stylesheet', href: `${to}page/base.css` }));
  await attempt('image', () => element('img', { src: `${to}page/icon.svg` }));
  await attempt('frame', () => new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.src = to;
    frame.onload = () => {
      // A refused frame shows the browser's own page, which is of no origin; either way nothing can be read.
      try {
        done(frame.contentDocument?.body?.innerText);
      } catch {
        done(null);
      }
    };
    document.body.append(frame);
  }));
  return got;
}

/** Forms may be sent anywhere; what they do there is what counts. */
async function sendForm(page, action) {
  await page.evaluate((action) => {
    const form = document.createElement('form');
    Object.assign(form, { action, method: 'post', enctype: 'text/plain' });
    document.body.append(form);
    form.submit();
  }, action);
  await page.waitForURL(action);
  check(!/"id"/.test(await page.content()), `a form got an answer from ${action}: ${await page.content()}`);
}

export async function foreign({ page, context }) {
  await get('/secret?one');
  await listed(page, 1);
  const token = await page.getAttribute('meta[name=sendit-token]', 'content');
  check(token.length > 20, 'there is a token');
  const { port } = new URL(inspector);
  const other = await origin();
  try {
    // Another port of this machine, and another name of it: other origins, whose pages may even know the token.
    const visitor = await context.newPage();
    for (const from of [other.url, other.url.replace('127.0.0.1', 'localhost')]) {
      for (const to of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`]) {
        await visitor.goto(from);
        const got = await visitor.evaluate(tries, { to, token });
        check(!got.length, `${from} got something of ${to}:\n${got.join('\n')}`);
        for (const path of ['api/requests/1/replay', 'api/requests/http', 'api/requests']) {
          await visitor.goto(from);
          await sendForm(visitor, to + path);
        }
      }
    }

    // A foreign name that leads here: the browser takes it for one origin, and the inspector is not fooled.
    const rebound = `http://rebound.example:${port}/`;
    const answer = await visitor.goto(rebound);
    check(answer.status() === 403, `a foreign name is answered ${answer.status()}`);
    check(!(await visitor.content()).includes(token), 'the token stands in it');
    const said = await visitor.evaluate(async () => Promise.all(['api/requests', 'api/status', 'api/events', '']
      .map(async (path) => (await fetch(`/${path}`)).status)));
    check(said.every((status) => status === 403), `a rebound page is answered ${said}`);
    await visitor.close();
  } finally {
    other.end();
  }

  // Nothing was replayed, nothing cleared; and the page itself may do both.
  await get('/secret?two');
  await listed(page, 2);
  const own = await page.evaluate(async (token) => (await fetch('api/requests', {
    method: 'DELETE', headers: { 'sendit-token': token } })).status, token);
  check(own === 204, `the page itself is answered ${own}`);
  await listed(page, 0);
  check(await rows(page) === 0, 'and it is empty');
}
