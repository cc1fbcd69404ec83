// Where the time of an exchange went, as a bar and in words.

import { el } from './dom.js';
import { duration } from './format.js';

/** `[name, class, ms]` of each part that is known, in their order. Pure. */
export function parts({ held_ms: held, asked_ms: asked, answered_ms: answered, ended_ms: ended }) {
  const all = [];
  const add = (name, kind, from, until) => {
    if (from != null && until != null && until >= from) all.push([name, kind, until - from]);
  };
  const wait = Math.min(held ?? 0, answered ?? ended ?? held ?? 0);
  if (wait > 0) all.push(['waited for client or target', 'held', wait]);
  // A target may answer before it has been asked all.
  const told = Math.min(asked ?? Infinity, answered ?? Infinity, ended ?? Infinity);
  if (told !== Infinity) {
    add('request', 'asked', Math.min(wait, told), told);
    add('until its first byte', 'answered', Math.max(wait, told), answered ?? null);
    add('answer', 'ended', answered, ended);
  }
  return all;
}

/** Shorter parts are not worth a word, in ms. */
const SHOWN = 0.05;

export function timingView(exchange) {
  const known = parts(exchange.timing).filter(([, , ms]) => ms >= SHOWN);
  const total = known.reduce((sum, [, , ms]) => sum + ms, 0);
  const bar = el('div.bar', { 'aria-hidden': 'true' }, known.map(([, kind, ms]) => {
    const piece = el(`span.part-${kind}`);
    piece.style.flexGrow = ms / (total || 1);
    return piece;
  }));
  const words = el('ul.legend', {}, known.map(([name, kind, ms]) =>
    el('li', {}, el('span', { class: `dot part-${kind}` }), `${name} `, el('b', {}, duration(ms)))));
  return el('div.timing', {}, total > 0 && bar, words);
}
