// A replay beside what it repeats: what differs in the answers, and both of them whole.

import * as api from './api.js';
import { diff, folded } from './diff.js';
import { el } from './dom.js';
import { bytes, duration, outcome } from './format.js';
import * as json from './json.js';
import { messageView } from './message.js';
import { indented } from './xml.js';

/** Headers that differ from one answer to the next by their nature. */
const VOLATILE = ['date', 'age', 'x-request-id', 'x-runtime', 'etag', 'server-timing'];

/** The lines of an answer's head; headers in the order of their names, as their order says nothing. */
export function headLines({ start_line: line, headers }) {
  return [line, ...headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort()];
}

/** The lines of a body as it would be shown, or of its size where it is no text. */
export function bodyLines({ kind, text, size }) {
  if (size === 0) return [];
  if (text == null) return [`(${bytes(size)} that are no text)`];
  const root = kind === 'json' ? json.parse(text) : null;
  return ((root && json.indented(root)) ?? (kind === 'xml' && indented(text)) ?? text).toString().split('\n');
}

export function compareView(replayed) {
  const place = el('div.compare', {}, el('p.nothing', {}, 'Loading…'));
  api.exchange(replayed.replay_of)
    .then((original) => place.replaceChildren(...compared(original, replayed)))
    .catch((error) => place.replaceChildren(el('p.notice', {}, error.status === 404
      ? `#${replayed.replay_of} is not kept any longer, so there is nothing to compare with.` : error.message)));
  return place;
}

function compared(original, replayed) {
  const [before, after] = [original.response, replayed.response];
  const both = el('div.sides', {}, [original, replayed].map((one) => {
    const view = messageView(one.id, 'response', one.response, outcome(one).text);
    view.firstChild.textContent = one === original ? `Answer to #${one.id}` : `Answer to the replay #${one.id}`;
    return view;
  }));
  if (!before || !after) return [el('p.notice', {}, 'Not both were answered.'), both];
  const head = diff(headLines(before), headLines(after));
  const body = diff(bodyLines(before.body), bodyLines(after.body));
  return [
    el('p.summary', {}, verdict(head, body), ' ',
      el('span.facts', {}, `${duration(original.duration_ms)} before, ${duration(replayed.duration_ms)} now`)),
    diffView('Head', head), diffView('Body', body), both,
  ];
}

/** One sentence on what differs. */
export function verdict(head, body) {
  const changed = head.filter(([sign]) => sign !== ' ').map(([, line]) => line.split(':')[0]);
  const headers = [...new Set(changed)].filter((name) => !name.startsWith('HTTP/'));
  const isBody = body.some(([sign]) => sign !== ' ');
  if (!changed.length && !isBody) return 'The answers are the same.';
  if (changed.length !== headers.length && changed.some((line) => line.startsWith('HTTP/'))) return 'The status differs.';
  if (isBody) return 'The bodies differ.';
  const told = headers.every((name) => VOLATILE.includes(name)) ? ', which is as usual' : '';
  return `Only headers differ: ${headers.join(', ')}${told}.`;
}

function diffView(name, lines) {
  if (lines.every(([sign]) => sign === ' ')) return el('p.facts', {}, `${name}: no difference`);
  const words = { '-': 'before', '+': 'now' };
  return el('div', {}, el('h4', {}, name), el('pre.diff', { tabindex: '0' }, folded(lines).map(([sign, line]) => {
    if (sign === '…') return el('span.gap', {}, `${line} equal ${line === 1 ? 'line' : 'lines'}\n`);
    return el('span', { class: { '-': 'old', '+': 'new', ' ': 'equal' }[sign] },
      words[sign] && el('span.unseen', {}, `${words[sign]}: `), `${sign} ${line}\n`);
  })));
}
