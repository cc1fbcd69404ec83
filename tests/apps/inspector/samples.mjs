// A service whose answers are of every kind that the inspector shows, some of them hostile. Its first line is its URL.

import crypto from 'node:crypto';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

/** An arc, 96 × 64 pixels. */
export const PNG = Buffer.from([
  'iVBORw0KGgoAAAANSUhEUgAAAGAAAABACAMAAADS6oI8AAAABlBMVEUOKiRP0aV+Fb63AAAAhUlEQVR42u2VORLAMAwCpf9/On2KBISIU7C1',
  'Ya0ZH1UhhBDCn+g73vZVRz9hrtcVjeDunxsaZ7G/1gwvFbIBiEsGLDs3wMGhgYiNDFyGN7AJ2iDsyNNPRsRTQaydnWvPAExMvvqmfjj5mUB4',
  '300DgNmVL/CkYOkTNw2AxCOIYOWxCCGEA1yzjgMYqJG87wAAAABJRU5ErkJggg==',
].join(''), 'base64');

/** Would say so in the page's window, if it ever ran there. */
const HOSTILE = '<script>window.hacked = "script"</script><img src=x onerror="window.hacked = \'image\'">';

const orders = {
  page: 1,
  total: 12345678901234567890n.toString(),
  orders: ['Ada', 'Grace', 'Linus'].map((name, at) => ({
    id: 9000 + at, customer: { name, email: `${name.toLowerCase()}@example.com` }, paid: at !== 1, amount: 19.9 + at,
    items: Array.from({ length: at + 1 }, (_, item) => ({ sku: `T-${item}`, count: item + 1 })),
  })),
};

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

let count = 0;

/** `[status, type, body, more headers]` by path; whoever else asks gets 404. */
const answers = {
  '/': () => [200, 'text/html', '<!doctype html><title>shop</title><h1>Welcome</h1>'],
  '/hostile': () => [200, 'text/html', HOSTILE, { 'x-hostile': `${HOSTILE}"'` }],
  '/api/orders': () => [200, 'application/json', zlib.gzipSync(JSON.stringify(orders)), { 'content-encoding': 'gzip' }],
  '/api/count': () => [200, 'application/json', JSON.stringify({ count: count += 1, same: true })],
  '/feed.xml': () => [200, 'application/xml', '<?xml version="1.0"?><feed><entry id="1"><title>One</title></entry></feed>'],
  '/logo.png': () => [200, 'image/png', PNG],
  '/data.bin': () => [200, 'application/octet-stream', Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256))],
  '/report': () => [200, 'text/plain', `the beginning\n${'0123456789abcdef\n'.repeat(125_000)}the end\n`],
  '/login': () => [303, 'text/plain', '', { location: '/' }],
  '/upload': () => [413, 'text/plain', 'too large\n'],
  '/fails': () => [500, 'application/json', JSON.stringify({ error: 'division by zero' })],
  '/hooks/stripe': () => [400, 'text/plain', 'the signature does not hold\n'],
  '/hooks/github': () => [200, 'application/json', JSON.stringify({ ok: true })],
  '/empty': () => [204, null, ''],
};

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const path = new URL(request.url, 'http://a').pathname;
  if (path === '/events') return events(response);
  if (path === '/echo') {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain', 'x-method': request.method });
    return response.end(Buffer.concat(chunks));
  }
  const [status, type, body, more] = answers[path]?.() ?? [404, 'text/plain', 'there is nothing here\n'];
  await pause(path === '/hooks/github' ? 40 : 0);
  response.writeHead(status, { ...(type && { 'content-type': type }), ...more });
  response.flushHeaders();
  await pause(path === '/hooks/github' ? 15 : 0);
  return response.end(body);
});

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const name of ['first', 'second', 'third']) response.write(`event: news\ndata: {"name":"${name}"}\n\n`);
  setTimeout(() => response.end(), 300);
}

/** A WebSocket that says `hello`, and repeats what short texts it is told. (RFC 6455) */
server.on('upgrade', (request, socket) => {
  const key = crypto.createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + `Sec-WebSocket-Accept: ${key.digest('base64')}\r\n\r\n`);
  const say = (text) => socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
  say('{"say":"hello"}');
  let kept = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    kept = Buffer.concat([kept, data]);
    while (kept.length >= 6 && kept.length >= 6 + (kept[1] & 0x7f)) {
      const length = kept[1] & 0x7f;
      const text = kept.subarray(6, 6 + length).map((byte, at) => byte ^ kept[2 + (at % 4)]);
      if ((kept[0] & 0x0f) === 8) return socket.end(Buffer.from([0x88, 0]));
      say(`you said ${text}`);
      kept = kept.subarray(6 + length);
    }
    return undefined;
  });
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
}
