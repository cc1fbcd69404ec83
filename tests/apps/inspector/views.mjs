// What the page shows of exchanges of every kind, and that nothing of what passed through the tunnel ever runs.

import { check, until } from '../chromium.mjs';
import { get, listed, open, post, rows, shows, side, visited } from './page.mjs';
import { PNG } from './samples.mjs';

export async function views({ page }) {
  await page.waitForSelector('.empty');
  await shows(page, 'No requests yet', '#empty');
  await shows(page, `curl ${visited}`, '#empty');
  check(await page.getAttribute('#url', 'href') === visited, 'the head has the public URL');
  await shows(page, 'connected', '#state');

  await get('/api/orders');
  await listed(page, 1);
  await shows(page, '200 OK', '#grid .body .status');
  await shows(page, '#1', '#grid .body .no');
  check(await page.evaluate(() => {
    const cell = document.querySelector('#grid .body .status');
    const was = cell.textContent;
    cell.textContent = '501 Not Implemented';
    const fits = cell.scrollWidth <= cell.clientWidth || `${cell.scrollWidth} of ${cell.clientWidth}`;
    cell.textContent = was;
    return fits;
  }) === true, 'the longest status is not cut short');
  await post('/login', 'application/x-www-form-urlencoded', 'user=ada%40example.com&next=%2Fhome+page');
  await post('/upload', 'multipart/form-data; boundary=XX', Buffer.concat([
    Buffer.from('--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nAn arc\r\n--XX\r\n'
      + 'Content-Disposition: form-data; name="file"; filename="arc.png"\r\nContent-Type: image/png\r\n\r\n'),
    PNG, Buffer.from('\r\n--XX--\r\n')]));
  for (const where of ['/feed.xml', '/logo.png', '/data.bin', '/report', '/hostile', '/events', '/fails']) await get(where);
  await listed(page, 10);
  await shows(page, '10 requests · ↑', '#totals');

  await open(page, '/api/orders');
  await shows(page, '12345678901234567890', `${side('response')} .json .string`);
  await shows(page, 'gzip, decoded', side('response'));
  await page.click(`${side('response')} .json details details summary`);
  check(await page.locator(`${side('response')} .json details details`).first().evaluate((one) => !one.open), 'it folds');
  await page.click(`${side('response')} button:has-text("Unfold all")`);
  await shows(page, 'linus@example.com', `${side('response')} .json`);
  await page.click(`${side('response')} [role=tab]:text("Text")`);
  await shows(page, '{"page":1,', `${side('response')} pre`);
  await page.click(`${side('response')} [role=tab]:text("Hex")`);
  await shows(page, '000000  1f8b', `${side('response')} pre`);
  check(await page.locator('#detail .timing .legend li').count() >= 1, 'it tells where the time went');

  await open(page, '/login');
  await shows(page, 'ada@example.com', `${side('request')} table.pairs td`);
  await shows(page, '/home page', `${side('request')} table.pairs td`);
  await shows(page, 'No body', side('response'));
  await open(page, '/upload');
  await shows(page, 'An arc', `${side('request')} .part pre`);
  await shows(page, 'arc.png · image/png', `${side('request')} .part h5`);
  await shows(page, '96 × 64 pixels', `${side('request')} .part`);
  await open(page, '/feed.xml');
  await shows(page, '  <entry id="1">\n    <title>One</title>', `${side('response')} pre`);
  await open(page, '/logo.png');
  await shows(page, '96 × 64 pixels', side('response'));
  await open(page, '/data.bin');
  await shows(page, '000010  1011 1213', `${side('response')} pre`);
  await open(page, '/report');
  await shows(page, 'Cut: only the first 1.0 MB of 2.1 MB were kept.', side('response'));
  await page.click(`${side('response')} .more`);
  await open(page, '/events');
  await page.click('#detail [role=tab]:text("Messages")');
  await shows(page, '"third"', '#detail .said li:nth-child(3)');

  await hostile(page);
  await socket(page);
  await filters(page);
}

/** A body and a header of markup are shown as they are. */
async function hostile(page) {
  await open(page, '/hostile');
  await shows(page, '<script>window.hacked = "script"</script><img', `${side('response')} pre`);
  await shows(page, '<script>window.hacked = "script"</script><img', `${side('response')} table td`);
  const image = '<img src=x onerror="window.hacked=1">';
  await post('/echo?json', 'application/json', JSON.stringify({ [image]: [image, { a: image }] }), { 'x-hostile': image });
  await post('/echo?form', 'application/x-www-form-urlencoded', new URLSearchParams({ [image]: image }).toString());
  await post('/echo?parts', 'multipart/form-data; boundary=XX',
    `--XX\r\nContent-Disposition: form-data; name="${image.replaceAll('"', '')}"\r\nContent-Type: text/html\r\n\r\n${image}\r\n--XX--\r\n`);
  await post('/echo?xml', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=2"><script>window.hacked=3</script></svg>');
  await post('/echo?fake', 'image/png', Buffer.concat([PNG.subarray(0, 40), Buffer.from(image)]));
  await listed(page, 15);
  for (const [kind, shown] of [['json', '.json .key'], ['form', 'table.pairs th'], ['parts', '.part h5'], ['xml', 'pre'], ['fake', '.picture']]) {
    await open(page, `/echo?${kind}`);
    await page.waitForSelector(`${side('response')} ${shown}`);
  }
  await shows(page, 'no image that this browser knows', side('response'));
  check(await page.evaluate(() => window.hacked) === undefined, 'what was captured never runs');
  check(await page.locator('#detail img, #detail script, #grid img, #grid script').count() === 0, 'nor does it become an element');
}

/** A WebSocket's messages come as they pass. */
async function socket(page) {
  const visitor = await page.context().newPage();
  await visitor.goto(visited);
  await visitor.evaluate((url) => new Promise((resolve, reject) => {
    window.socket = new WebSocket(url);
    window.socket.onmessage = resolve;
    window.socket.onerror = reject;
  }), `${visited.replace('http', 'ws')}/socket`);
  await page.bringToFront();
  await page.waitForSelector('#grid .body .row:has(.words:text("/socket"))');
  await open(page, '/socket').catch(() => {});
  await shows(page, '{"say":"hello"}', '#detail .said li');
  await visitor.evaluate(() => window.socket.send('a message of the visitor\'s'));
  await shows(page, 'you said a message of the visitor\'s', '#detail .said li:nth-child(3)');
  await page.click('#detail .said li:nth-child(1) summary');
  await shows(page, '"hello"', '#detail .said li:nth-child(1) .json');
  await visitor.close();
}

async function filters(page) {
  const all = await rows(page);
  const only = async (act, ...paths) => {
    await act();
    await until(page, paths.join(' '), (paths) => {
      const shown = [...document.querySelectorAll('#grid .body .row')].map((row) => row.querySelector('.words').textContent);
      return shown.length === paths.length && paths.every((one) => shown.includes(one));
    }, paths);
    await page.click('#no-filter');
    await listed(page, all);
  };
  await page.keyboard.press('Escape');
  await only(() => page.fill('[name=text]', 'linus@EXAMPLE.com'), '/api/orders');
  await only(() => page.fill('[name=text]', 'division BY zero'), '/fails');
  await only(() => page.fill('[name=text]', 'window.hacked = "script"'), '/hostile');
  await only(() => page.fill('[name=path]', '/*o*.png'), '/logo.png');
  await only(() => page.selectOption('[name=status]', '5xx'), '/fails');
  await only(() => page.selectOption('[name=method]', 'POST'), '/login', '/upload',
    ...['json', 'form', 'parts', 'xml', 'fake'].map((kind) => `/echo?${kind}`));
  await page.selectOption('[name=within]', '3600000');
  await listed(page, all);
  await page.fill('[name=path]', '/is not there');
  await shows(page, 'No request passes the filter', '#empty');
  await page.click('#empty button');
  await listed(page, all);
}
