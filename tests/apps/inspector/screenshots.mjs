// Pictures of the inspector's page for the documents: `screenshots.mjs MODULES SENDIT FOLDER`. A tunnel is opened to
// `samples.mjs`, visited as a shop's might be, and looked at.

import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { browse } from '../chromium.mjs';
import { PNG } from './samples.mjs';

const [modules, sendit, folder] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const SECRET = 'it is no secret';
const running = [];

/** Starts a program, and gives what `pattern` finds in what it prints. */
function start(program, args, pattern) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return new Promise((found, fail) => {
    let said = '';
    const hear = (piece) => {
      said += piece;
      const match = pattern.exec(said);
      if (match) found(match[1]);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', fail);
    child.on('exit', () => fail(new Error(`${program} ${args.join(' ')} ended: ${said}`)));
  });
}

async function tunnel() {
  const target = await start('node', [path.join(here, 'samples.mjs')], /(http:.*)\n/);
  const server = await start(sendit, ['serve', '--addr', '127.0.0.1:0'], /Listening: (.*)\n/);
  const args = ['connect', '--strip-prefix', '--inspect', '127.0.0.1:0', '--webhook-secret', `github=${SECRET}`];
  const visited = `http://${server}/shop`;
  return { visited, inspector: await start(sendit, [...args, visited, target], /Inspector: (.*)\n/) };
}

/** What the shop's visitors do, the oldest first. */
async function visit(visited) {
  const get = async (where, options) => (await fetch(visited + where, { redirect: 'manual', ...options })).arrayBuffer();
  const post = (where, type, body, headers) =>
    get(where, { method: 'POST', body, headers: { 'content-type': type, ...headers } });
  const event = JSON.stringify({
    action: 'opened', number: 42,
    pull_request: { title: 'Hold requests while the link is down', user: { login: 'ada', id: 17 }, draft: false, labels: [{ name: 'tunnel' }], additions: 128 },
    repository: { full_name: 'ada/shop', private: false },
  });
  const signed = (secret) => ({
    'user-agent': 'GitHub-Hookshot/044aadd', 'x-github-event': 'pull_request', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': `sha256=${crypto.createHmac('sha256', secret).update(event).digest('hex')}`,
  });
  for (const where of ['/logo.png', '/api/orders', '/api/count', '/favicon.ico']) await get(where);
  await post('/login', 'application/x-www-form-urlencoded', 'user=ada%40example.com&next=%2F');
  await post('/upload', 'multipart/form-data; boundary=XX', Buffer.concat([
    Buffer.from('--XX\r\nContent-Disposition: form-data; name="file"; filename="arc.png"\r\nContent-Type: image/png\r\n\r\n'), PNG, Buffer.from('\r\n--XX--\r\n')]));
  await get('/api/orders?page=2&sort=name');
  await get('/events');
  await post('/hooks/github', 'application/json', event, signed('another'));
  await get('/fails');
  await get('/empty', { method: 'DELETE' });
  await get('/feed.xml');
  await get('/report');
  await post('/hooks/github', 'application/json', event, signed(SECRET));
}

async function look(context, { visited, inspector }) {
  const page = await context.newPage();
  const visitor = await context.newPage();
  await visitor.goto(`${visited}/`);
  await visitor.evaluate((url) => new Promise((resolve) => { new WebSocket(url).onmessage = resolve; }), `${visited.replace('http', 'ws')}/socket`);
  await visit(visited);
  await page.bringToFront();
  await page.goto(inspector);
  const shoot = async (name) => {
    await page.evaluate(() => document.activeElement.blur());
    await page.waitForTimeout(500);
    await page.screenshot({ path: path.join(folder, `inspector-${name}.png`) });
  };
  const open = async () => {
    await page.click('#grid .body .row:has(.badge.good)');
    await page.waitForSelector('#detail .message .json');
    // The bodies are what is to be seen.
    for (const summary of await page.locator('#detail .headers > summary').all()) await summary.click();
  };
  await page.waitForSelector('#grid .body .row:has(.badge.good)');
  await shoot('list');
  await open();
  await shoot('detail');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('dark');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 390, height: 640 });
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot('narrow');
}

try {
  const ends = await tunnel();
  const options = { viewport: { width: 1120, height: 660 }, colorScheme: 'light' };
  await browse(modules, (context) => look(context, ends), options);
} finally {
  running.forEach((child) => child.kill());
}
