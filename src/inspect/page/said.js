// The messages of a WebSocket or of a stream of events, as they pass.

import { el } from './dom.js';
import { bytes, counted, duration } from './format.js';
import * as json from './json.js';
import { dump } from './hex.js';
import { tree } from './tree.js';

/** So many of the newest are shown at first, and as many more at a press. */
const SHOWN = 300;
/** Of one line this many characters. */
const LINE = 240;

/** A view that grows: `update` takes the whole list again and adds what is new. */
export function saidView() {
  const list = el('ol.said', { 'aria-label': 'Messages, oldest first' });
  const before = el('p.facts');
  const after = el('p.facts');
  const node = el('div.saids', {}, before, list, after);
  let taken = null;
  let first = 0;
  let all = [];

  function update(exchange) {
    const atEnd = taken == null || isAtEnd(node);
    all = exchange.said;
    if (taken == null) {
      first = all.length;
      showEarlier();
    } else {
      for (const said of all.slice(taken)) list.append(line(said));
    }
    taken = all.length;
    after.textContent = exchange.unkept ? `${counted(exchange.unkept, 'more message')} passed for which there was no room.`
      : all.length ? '' : 'Nothing has been said yet.';
    if (atEnd && list.lastElementChild && node.isConnected) list.lastElementChild.scrollIntoView({ block: 'nearest' });
  }

  function showEarlier() {
    before.replaceChildren();
    const from = Math.max(0, first - SHOWN);
    list.prepend(...all.slice(from, first).map(line));
    first = from;
    if (!first) return;
    before.append(el('button.quiet', { type: 'button', onclick: showEarlier }, `Show more of ${counted(first, 'earlier message')}`));
  }

  return { node, update };
}

function isAtEnd(node) {
  const scroller = node.closest('#detail');
  return scroller ? scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80 : true;
}

/** One message: a line that unfolds to all of it. */
function line(said) {
  const fromTarget = said.by === 'target';
  const first = said.text ?? (said.base64 ? `${said.base64.slice(0, LINE)}` : '');
  const summary = el('summary', {},
    el('span.at', {}, `+${duration(said.at_ms)}`),
    el('span.by', { class: `by ${said.by}`, title: `from the ${said.by}` }, `${fromTarget ? '↓' : '↑'} ${said.by}`),
    el('span.kind', {}, said.kind),
    el('span.line', {}, said.text == null && said.base64 ? bytesLine(said) : first.slice(0, LINE)),
    el('span.size', {}, bytes(said.size)));
  const made = el('details', { ontoggle: () => { if (made.open && !made.children[1]) made.append(whole(said)); } }, summary);
  return el('li', {}, made);
}

function decoded(base64) {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

function bytesLine({ base64 }) {
  return Array.from(decoded(base64.slice(0, 64)), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function whole(said) {
  const cut = said.cut && el('p.notice', {}, `Cut: ${bytes(said.size)} passed, and not all were kept.`);
  if (said.deflated) {
    return el('p.notice', {}, 'It is compressed together with what came before it, not all of which was kept or could be inflated, and cannot be read by itself.');
  }
  if (said.text == null) {
    return el('div', {}, cut, el('pre.hex', { tabindex: '0' }, said.base64 ? dump(decoded(said.base64)) : ''));
  }
  const data = said.kind === 'event' ? eventData(said.text) : said.text;
  const root = /^\s*[[{]/.test(data) ? json.parse(data) : null;
  return el('div', {}, cut, el('pre', { tabindex: '0' }, said.text), root && tree(root));
}

/** The data of an event: its `data` lines. (HTML, 9.2.6) */
function eventData(text) {
  return text.split(/\r\n|\r|\n/).filter((row) => row.startsWith('data:')).map((row) => row.slice(5).trim()).join('\n');
}
