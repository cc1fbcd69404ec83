// A replay beside what it repeats: what differs in the answers, and both of them whole.

import * as api from './api.js';
import { diff, folded } from './diff.js';
import { bodyLines, headLines, verdict } from './differences.js';
import { el, inPieces } from './dom.js';
import { duration, outcome } from './format.js';
import { messageView } from './message.js';

/** So many lines are shown at once. */
const SHOWN = 1000;

export function compareView(replayed) {
  const place = el('div.compare', {}, el('p.nothing', {}, 'Loading…'));
  compared(replayed)
    .then((parts) => place.replaceChildren(...parts.filter(Boolean)))
    .catch((error) => place.replaceChildren(el('p.notice', {}, error.status === 404
      ? `#${replayed.replay_of} is not kept any longer, so there is nothing to compare with.` : error.message)));
  return place;
}

async function compared(replayed) {
  const original = await api.exchange(replayed.replay_of);
  const [before, after] = [original.response, replayed.response];
  const both = el('div.sides', {}, [original, replayed].map((one) => {
    const view = messageView(one.id, 'response', one.response, outcome(one).text);
    view.firstChild.textContent = one === original ? `Answer to #${one.id}` : `Answer to the replay #${one.id}`;
    return view;
  }));
  if (!before || !after) return [el('p.notice', {}, 'Not both were answered.'), both];
  const head = diff(headLines(before), headLines(after));
  const body = diff(...await Promise.all([original, replayed].map(linesOf)));
  const isCut = before.body.cut || after.body.cut;
  return [
    el('p.summary', {}, verdict(head, body), ' ',
      el('span.facts', {}, `${duration(original.duration_ms)} before, ${duration(replayed.duration_ms)} now`)),
    isCut && el('p.notice', {}, 'One of the bodies was cut: only what was kept is compared.'),
    diffView('Head', head), diffView('Body', body), both,
  ];
}

async function linesOf({ id, response: { body } }) {
  const isText = body.text != null || body.size === 0;
  return bodyLines(body, isText ? new Uint8Array() : await api.body(id, 'response', true));
}

function diffView(name, lines) {
  if (lines.every(([sign]) => sign === ' ')) return el('p.facts', {}, `${name}: no difference`);
  return el('div', {}, el('h3', {}, name), diffLines(folded(lines)));
}

function diffLines(lines) {
  const words = { '-': 'before', '+': 'now' };
  const made = el('pre.diff', { tabindex: '0' });
  inPieces(made, lines, SHOWN, ([sign, line]) => {
    if (sign === '…') return el('span.gap', {}, `${line} equal ${line === 1 ? 'line' : 'lines'}\n`);
    return el('span', { class: { '-': 'old', '+': 'new', ' ': 'equal' }[sign] },
      words[sign] && el('span.unseen', {}, `${words[sign]}: `), `${sign} ${line}\n`);
  });
  return made;
}
