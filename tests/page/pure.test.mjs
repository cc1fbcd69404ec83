// What the inspector's page computes without a browser. Run by `tests/it/inspector_page.rs`, or by `node --test FILE`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

const page = (name) => import(new URL(`../../src/inspect/page/${name}.js`, import.meta.url));
const { bytes, duration, outcome, badges, image, number } = await page('format');
const { passes, isAll, ALL } = await page('filter');
const { Store, ROOM } = await page('store');
const json = await page('json');
const xml = await page('xml');
const { dump } = await page('hex');
const { diff, folded } = await page('diff');
const differences = await page('differences');
const { editedRequest, signing } = await page('edit');
const { parts } = await page('timing');
const { pairs, multipart, parameter } = await page('parts');

const of = (text) => new TextEncoder().encode(text);

test('numbers read well', () => {
  assert.deepEqual([0, 999, 1000, 1299, 10_240, 999_999, 1e6, 5 << 20, 3 * 2 ** 40].map(bytes),
    ['0 B', '999 B', '1.0 kB', '1.2 kB', '10 kB', '999 kB', '1.0 MB', '5.2 MB', '3.2 TB']);
  assert.deepEqual([null, 0.44, 9.96, 12.3, 999.6, 1240, 12_340, 59_960, 185_000, 7_620_000].map(duration),
    ['', '0.4 ms', '10 ms', '12 ms', '1.00 s', '1.24 s', '12.3 s', '1 min 0 s', '3 min 5 s', '2 h 7 min']);
  assert.equal(number(1234567), '1\u202f234\u202f567');
});

test('an outcome has words and a colour', () => {
  const said = (status, state) => Object.values(outcome({ status, state }));
  assert.deepEqual(said(200, 'done'), ['200 OK', 'ok']);
  assert.deepEqual(said(404, 'cut'), ['404 Not Found', 'fault']);
  assert.deepEqual(said(599, 'done'), ['599', 'error']);
  assert.deepEqual(said(999, 'done'), ['999', '']);
  assert.deepEqual(said(null, 'asked'), ['waiting', 'pending']);
  assert.deepEqual(said(null, 'unreachable'), ['unreachable', 'error']);
});

test('marks say what is out of the ordinary', () => {
  const none = { kind: 'http', state: 'done', status: 200, held_ms: 3, resumed: false, replay_of: null, webhook: null };
  const words = (more) => badges({ ...none, ...more }).map(([word]) => word);
  assert.deepEqual(words({}), []);
  assert.deepEqual(words({ held_ms: 1840, resumed: true, replay_of: 7 }), ['replay of #7', 'held 1.84 s', 'resumed']);
  assert.deepEqual(words({ kind: 'websocket', state: 'cut' }), ['ws', 'cut']);
  assert.deepEqual(words({ webhook: { provider: 'github', event: 'push', signature: 'invalid', reason: 'old' } }), ['push', 'bad signature']);
  assert.deepEqual(words({ webhook: { provider: 'slack', event: null, signature: 'unchecked' } }), ['Slack']);
});

test('a form says what signing replaces', () => {
  assert.deepEqual(signing({ renews: ['X-A', 'X-B'] }), ['Signed afresh as it is sent, unless you edit it here: X-A, X-B.']);
  assert.deepEqual(signing({ renews: [] }), ['Its signature is sent as it stands here.']);
  assert.deepEqual(signing(null), []);
});

test('svg is no image to be shown', () => {
  assert.equal(image('Image/PNG; a=b'), 'image/png');
  assert.equal(image('image/svg+xml'), null);
  assert.equal(image(null), null);
});

test('filters', () => {
  const one = { id: 1, method: 'POST', path: '/Hooks/github?a=1', host: 'h', status: 404, state: 'done', started: 1000, webhook: null };
  const check = (filter, expected, found = []) =>
    assert.equal(passes({ ...ALL, ...filter }, new Set(found), 61_000)(one), expected, JSON.stringify(filter));
  assert.ok(isAll({ ...ALL }) && !isAll({ ...ALL, status: '2xx' }));
  check({}, true);
  check({ method: 'GET' }, false);
  check({ status: '4xx' }, true);
  check({ status: '2xx' }, false);
  check({ status: '404' }, true);
  check({ status: 'failed' }, true);
  check({ status: 'waiting' }, false);
  check({ path: 'hooks' }, true);
  check({ path: '/hooks/*' }, true);
  check({ path: 'hooks/*' }, false);
  check({ path: '/h.oks/*' }, false);
  check({ within: 60_000 }, true);
  check({ within: 59_999 }, false);
  check({ text: 'GITHUB' }, true);
  check({ text: 'in the body' }, false);
  check({ text: 'in the body' }, true, [1]);
});

test('the store keeps order and its bound', () => {
  const store = new Store();
  store.put({ id: 5 });
  store.put({ id: 9 });
  store.put({ id: 7 });
  store.put({ id: 9, status: 200 });
  store.putOlder([{ id: 9, status: null }, { id: 4 }, { id: 3 }]);
  assert.deepEqual(store.newest(() => true), [9, 7, 5, 4, 3]);
  assert.equal(store.get(9).status, 200);
  for (let id = 10; id < 10 + ROOM; id += 1) store.put({ id });
  assert.equal(store.size, ROOM);
  assert.equal(store.oldest, 10);
  assert.equal(store.get(9), undefined);
  store.putOlder([{ id: 9 }]);
  assert.equal(store.oldest, 10);
});

test('json stays as it was written', () => {
  const text = '{"b": 12345678901234567890, "1": [true, null, "\\u00e9\\n"], "b": -0.10e+2, "e": {}}';
  const root = json.parse(text);
  assert.deepEqual(root.entries.map(([key]) => key), ['"b"', '"1"', '"b"', '"e"']);
  assert.deepEqual(root.entries[0][1], { kind: 'number', text: '12345678901234567890' });
  assert.equal(json.indented(root), '{\n  "b": 12345678901234567890,\n  "1": [\n    true,\n    null,\n    "\\u00e9\\n"\n  ],\n  "b": -0.10e+2,\n  "e": {}\n}');
  for (const wrong of ['', '{', '[1,]', '{"a" 1}', '01', '1 2', '"\n"', '"\\x"', 'nul', '{1:2}', '[}', '\u00a01']) {
    assert.equal(json.parse(wrong), null, wrong);
  }
  assert.equal(json.parse(' [1] \n').kind, 'array');
  assert.equal(json.parse('['.repeat(100_000)), null);
  const deep = json.indented(json.parse(`${'['.repeat(150)}1${']'.repeat(150)}`));
  assert.equal(deep.replace(/\s/g, ''), `${'['.repeat(150)}1${']'.repeat(150)}`);
  assert.ok(deep.length < 10_000, `${deep.length}`);
});

test('whatever JSON.stringify writes is read, and reads the same once indented', () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const make = (depth) => [
    () => random(1e6) / 1000, () => random(2) === 0, () => null, () => String.fromCharCode(...Array.from({ length: random(9) }, () => random(0x3000))),
    () => Array.from({ length: random(4) }, () => make(depth + 1)), () => Object.fromEntries(Array.from({ length: random(4) }, () => [`k${random(99)}`, make(depth + 1)])),
  ][random(depth > 4 ? 4 : 6)]();
  for (let round = 0; round < 500; round += 1) {
    const value = make(0);
    const root = json.parse(JSON.stringify(value));
    assert.deepEqual(JSON.parse(json.indented(root)), value);
  }
});

test('xml is indented, and left alone where it does not nest', () => {
  assert.equal(xml.indented('<?xml version="1.0"?><a x="1>2"><b>t</b><c/><!-- n --></a>'),
    '<?xml version="1.0"?>\n<a x="1>2">\n  <b>t</b>\n  <c/>\n  <!-- n -->\n</a>');
  for (const wrong of ['<a>'.repeat(200) + '</a>'.repeat(200), '<a>', '<a></b>', '</a>', 'a < b <', '<a']) assert.equal(xml.indented(wrong), null, wrong);
});

test('hex', () => {
  const lines = dump(Uint8Array.from({ length: 18 }, (_, at) => 0x3a + at)).split('\n');
  assert.equal(lines[0], '000000  3a3b 3c3d 3e3f 4041 4243 4445 4647 4849  :;<=>?@ABCDEFGHI');
  assert.equal(lines[1], `000010  4a4b${' '.repeat(36)} JK`);
  assert.equal(dump(of('a\u0000é')), `000000  6100 c3a9${' '.repeat(31)} a···`);
});

test('forms', () => {
  assert.deepEqual(pairs('a=1+2&b=%C3%A9&c&=d&e=%zz&&f=a=b'),
    [['a', '1 2'], ['b', 'é'], ['c', ''], ['', 'd'], ['e', '%zz'], ['f', 'a=b']]);
});

test('multipart', () => {
  const value = 'multipart/form-data; charset=x; boundary="a b"';
  assert.equal(parameter(value, 'boundary'), 'a b');
  assert.equal(parameter('form-data; filename="x.txt"; name=y', 'name'), 'y');
  const body = 'before\r\n--a b\r\nContent-Disposition: form-data; name="t"; filename="q\\"é.txt"\r\n\r\none\r\n--a \r\n--a b\r\n\r\nraw\x80\r\n--a b--\r\nafter';
  const bytes = Uint8Array.from([...body.slice(0, body.indexOf('é'))].map((c) => c.charCodeAt(0))
    .concat([0xc3, 0xa9], [...body.slice(body.indexOf('é') + 1)].map((c) => c.charCodeAt(0))));
  const parts = multipart(bytes, 'a b');
  assert.deepEqual(parts.map(({ name, filename, whole }) => [name, filename, whole]), [['t', 'q"é.txt', true], [null, null, true]]);
  assert.deepEqual([...parts[0].bytes], [...of('one\r\n--a ')]);
  assert.deepEqual([...parts[1].bytes], [...of('raw'), 0x80]);
});

test('half a multipart', () => {
  const parts = multipart(of('--x\r\nA: b\r\n\r\none\r\n--x\r\n\r\nhal'), 'x');
  assert.deepEqual(parts.map(({ whole, bytes }) => [whole, new TextDecoder().decode(bytes)]), [[true, 'one'], [false, 'hal']]);
  assert.deepEqual(multipart(of('--x'), 'x'), []);
  assert.equal(multipart(of('nothing'), 'x'), null);
  assert.equal(multipart(of('--x'), null), null);
});

test('of very many parts the first are taken', () => {
  const many = of('--x\r\n\r\na\r\n'.repeat(2e5));
  const first = multipart(many, 'x', 3);
  assert.deepEqual(first.map(({ bytes, whole }) => [new TextDecoder().decode(bytes), whole]), [['a', true], ['a', true], ['a', true]]);
  assert.equal(multipart(of('--x\r\n\r\na'), 'x', 3).length, 1);
});

test('what comes all the time puts no search off', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  globalThis.document ??= { querySelector: () => ({ content: 'token' }) };
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    return { ok: true, json: async () => ({ exchanges: [{ id: asked.length }] }) };
  };
  const turn = () => new Promise((done) => setImmediate(done));
  const { Exchanges } = await page('exchanges');
  const exchanges = new Exchanges({ changed: () => {}, failed: assert.fail });
  exchanges.seek('needle');
  // Ten a second, for three seconds.
  for (let id = 1; id <= 30; id += 1) {
    exchanges.put({ id });
    context.mock.timers.tick(100);
    await turn();
  }
  assert.ok(asked.length >= 6 && asked.length <= 12, `${asked.length} looks`);
  assert.ok(asked.every((path) => path.includes('text=needle')), asked[0]);
  assert.ok(exchanges.found.has(asked.length));
  // The last to come is looked for as well, and then nothing is.
  context.mock.timers.tick(1000);
  await turn();
  const all = asked.length;
  context.mock.timers.tick(1000);
  await turn();
  assert.equal(asked.length, all);
  // Another text is looked for after the last stroke alone.
  for (const text of ['n', 'ne', 'nee']) {
    exchanges.seek(text);
    context.mock.timers.tick(200);
    await turn();
  }
  assert.equal(asked.length, all);
  context.mock.timers.tick(100);
  await turn();
  assert.deepEqual(asked.slice(all).map((path) => /text=(\w*)/.exec(path)[1]), ['nee']);
});

test('a difference leads from one to the other, by the fewest lines', () => {
  const check = (before, after, changes) => {
    const lines = diff([...before], [...after]);
    const side = (sign) => lines.filter(([one]) => one !== sign).map(([, line]) => line).join('');
    assert.deepEqual([side('+'), side('-')], [before, after]);
    const count = lines.filter(([sign]) => sign !== ' ').length;
    if (changes !== undefined) assert.equal(count, changes, `${before} ${after}`);
    return count;
  };
  check('', '', 0);
  check('abc', 'abc', 0);
  check('abcabba', 'cbabac', 5);
  check('abc', '', 3);
  check('', 'abc', 3);
  check('xaxbx', 'yaybz', 6);
  const common = (a, b) => {
    const table = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
    for (let x = 1; x <= a.length; x += 1) {
      for (let y = 1; y <= b.length; y += 1) {
        table[x][y] = a[x - 1] === b[y - 1] ? table[x - 1][y - 1] + 1 : Math.max(table[x - 1][y], table[x][y - 1]);
      }
    }
    return table[a.length][b.length];
  };
  let seed = 3;
  const random = (below) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const word = () => Array.from({ length: random(14) }, () => 'abc'[(random(9000) / 3000) | 0]).join('');
  for (let round = 0; round < 2000; round += 1) {
    const [a, b] = [word(), word()];
    check(a, b, a.length + b.length - 2 * common(a, b));
  }
});

test('a difference of much is bounded', () => {
  const [before, after] = ['a', 'b'].map((sign) => Array.from({ length: 30_000 }, (_, at) => sign + at));
  assert.equal(diff(before, after).length, 60_000);
});

test('what is equal is folded', () => {
  const lines = [...Array.from({ length: 9 }, (_, at) => [' ', at]), ['+', 'x'], [' ', 'y']];
  assert.deepEqual(folded(lines), [['…', 6], [' ', 6], [' ', 7], [' ', 8], ['+', 'x'], [' ', 'y']]);
  assert.deepEqual(folded([[' ', 'a']]), [['…', 1]]);
});

test('answers are compared by what they mean', () => {
  const head = (...headers) => differences.headLines({ start_line: 'HTTP/1.1 200 OK', headers });
  assert.deepEqual(head(['B', '1'], ['a', '2']), ['HTTP/1.1 200 OK', 'a: 2', 'b: 1']);
  const body = (kind, text) => differences.bodyLines({ kind, text }, of(text ?? 'ab'));
  assert.deepEqual(body('json', '{"a":1}'), ['{', '  "a": 1', '}']);
  assert.deepEqual(body('json', '{"a'), ['{"a']);
  assert.deepEqual(body('xml', '<a><b/></a>'), ['<a>', '  <b/>', '</a>']);
  assert.deepEqual(body('binary', null), [`000000  6162${' '.repeat(37)}ab`]);
  assert.deepEqual(differences.bodyLines({ kind: 'empty', text: null }, of('')), []);
});

test('one sentence says what differs', () => {
  const same = [' ', 'HTTP/1.1 200 OK'];
  const { verdict } = differences;
  assert.equal(verdict([same], []), 'The answers are the same.');
  assert.equal(verdict([same, ['-', 'date: 1'], ['+', 'date: 2']], []), 'Only headers differ: date, as was to be expected.');
  assert.equal(verdict([same, ['+', 'x: 2']], []), 'Only headers differ: x.');
  assert.equal(verdict([same], [['-', 'a']]), 'The bodies differ.');
  assert.equal(verdict([['-', 'HTTP/1.1 200 OK'], ['+', 'HTTP/1.1 500 No']], [['-', 'a']]), 'The status differs.');
});

test('an edited request says only what is otherwise', () => {
  const was = { method: 'PUT', path: '/a', headers: 'Host: h\nContent-Encoding: gzip\nContent-Length: 3\n\nX:  y ', body: 'b' };
  const edited = (now) => editedRequest(was, { ...was, ...now });
  assert.deepEqual(edited({}), {});
  assert.deepEqual(edited({ method: 'GET ', path: '/b' }), { method: 'GET', path: '/b' });
  assert.deepEqual(edited({ headers: 'Content-Length: 3\nX:  y \n' }), { headers: [['Content-Length', '3'], ['X', 'y']] });
  assert.deepEqual(edited({ body: 'c' }), { headers: [['Host', 'h'], ['X', 'y']], body: 'c' });
  assert.deepEqual(editedRequest({ ...was, body: null }, was).body, 'b');
  for (const [wrong, why] of [[{ method: ' ' }, /method/], [{ path: 'a' }, /begin with/], [{ headers: 'no header' }, /no header/], [{ headers: ': x' }, /is no header/]]) {
    assert.throws(() => edited(wrong), why);
  }
});

test('the parts of an exchange\'s time add up', () => {
  const of = (held_ms, asked_ms, answered_ms, ended_ms) => parts({ held_ms, asked_ms, answered_ms, ended_ms }).map(([, kind, ms]) => [kind, ms]);
  assert.deepEqual(of(2, 3, 10, 15), [['held', 2], ['asked', 1], ['answered', 7], ['ended', 5]]);
  assert.deepEqual(of(0, 3, 10, null), [['asked', 3], ['answered', 7]]);
  assert.deepEqual(of(5, null, null, null), [['held', 5]]);
  assert.deepEqual(of(null, 9, 4, 12), [['asked', 4], ['answered', 0], ['ended', 8]], 'answered before it was asked all');
});

test('what is hostile takes no longer than what is not', () => {
  // Each of these took minutes where a reader went back at every sign; the run's own deadline would tell.
  for (const sign of ['<a "', '<', '<!--', '<![CDATA[', '<?', '<a \'"', '</', '<a>']) assert.equal(xml.indented(sign.repeat(1e6 / sign.length)), null, sign);
  for (const sign of ['[', '{"a":', '"\\', '"\\u', '[1,', '-', '1e', '[ ']) assert.equal(json.parse(sign.repeat(1e6 / sign.length)), null, sign);
  assert.equal(json.parse(`"${'\\\\a'.repeat(3e5)}"`).kind, 'string');
  assert.equal(multipart(of('--x\r\n'.repeat(2e5)), 'x').length, 2e5);
  const star = passes({ ...ALL, path: '*a'.repeat(200) + '*b' }, new Set(), 0);
  assert.equal(star({ path: 'a'.repeat(60_000), method: 'GET' }), false);
});
