// JSON as a tree that folds. Children are made when they are first shown, and long lists in pieces.

import { el, inPieces } from './dom.js';

/** Children shown at once; the rest comes at a press. */
const PIECE = 200;
/** Longer strings are shown to here first. */
const LONG = 2000;
/** So many nodes are unfolded to begin with. */
const UNFOLDED = 120;

export function tree(root) {
  const left = { nodes: UNFOLDED };
  return el('div.json', {}, node(root, null, left, 0));
}

function node(value, key, left, depth) {
  const name = key && el('span.key', {}, key);
  const before = name ? [name, el('span.sign', {}, ': ')] : [];
  const children = value.kind === 'object' ? value.entries : value.items;
  if (!children) return el('div.leaf', {}, before, scalar(value));
  const [open, close] = value.kind === 'object' ? '{}' : '[]';
  if (!children.length) return el('div.leaf', {}, before, el('span.sign', {}, open + close));
  left.nodes -= children.length;
  const unfold = depth === 0 || (depth < 4 && left.nodes > 0);
  const many = value.kind === 'object' ? ['key', 'keys'] : ['item', 'items'];
  const made = el('details', { open: unfold, ontoggle: fill },
    el('summary', {}, before, el('span.sign', {}, open),
      el('span.count', {}, `${children.length} ${many[children.length === 1 ? 0 : 1]}`), el('span.sign.end', {}, close)),
    el('div.children'), el('div.sign.close', {}, close));
  let filled = false;
  function fill() {
    if (filled || !made.open) return;
    filled = true;
    fillWith(made.children[1], value, left, depth + 1);
  }
  if (unfold) fill();
  return made;
}

/** All children of an object or a list, in pieces. */
function fillWith(place, value, left, depth) {
  const isList = value.kind === 'array';
  inPieces(place, isList ? value.items : value.entries, PIECE, (child, at) => {
    const made = isList ? node(child, String(at), left, depth) : node(child[1], child[0], left, depth);
    if (isList) made.classList.add('item');
    return made;
  });
}

function scalar({ kind, text }) {
  const long = text.length > LONG;
  const shown = el(`span.${kind}`, {}, long ? text.slice(0, LONG) : text);
  if (!long) return shown;
  const rest = el('button.quiet.more', {
    type: 'button',
    onclick: () => {
      shown.textContent = text;
      rest.remove();
    },
  }, `… ${text.length - LONG} more characters`);
  return el('span', {}, shown, rest);
}

/** Folds or unfolds all that there is. */
export function foldAll(made, open) {
  for (let waiting = [...made.querySelectorAll('details')], count = 0; waiting.length && count < 5000; count += 1) {
    const one = waiting.shift();
    one.open = open;
    // The event that fills comes later; what it makes is wanted now.
    if (open) {
      one.dispatchEvent(new Event('toggle'));
      waiting.push(...one.querySelectorAll(':scope > .children > details:not([open])'));
    }
  }
}
