// A body, pretty-printed by its kind, as text, and as bytes.

import * as api from './api.js';
import { button, el, icon, inPieces, tabbed } from './dom.js';
import { bytes, image, number } from './format.js';
import { dump } from './hex.js';
import * as json from './json.js';
import { multipart, pairs, parameter } from './parts.js';
import { copy } from './toast.js';
import { foldAll, tree } from './tree.js';
import { indented } from './xml.js';

/** Of what is longer this much is shown first: characters of texts, bytes of dumps, rows of tables, parts of forms. */
const FIRST = { text: 128 * 1024, bytes: 16 * 1024, rows: 500, parts: 50 };
/** Of a form with more parts the first are shown: to take apart what somebody has sent must not stop the page. */
const PARTS = 1000;

/** `id` and `side` (`request`, `response`) say where the bytes are. */
export function bodyView(id, side, message) {
  const { body } = message;
  if (body.size === 0) return el('p.nothing', {}, 'No body');
  const fetched = { true: null, false: null };
  const raw = (decoded) => (fetched[decoded] ??= api.body(id, side, decoded));
  const views = [
    ['Pretty', pretty(message, body, raw)],
    ['Text', body.text == null ? null : () => text(body.text)],
    ['Hex', () => later(raw(false), hex)],
  ].filter(([, make]) => make);
  const tools = el('span.tools', {},
    body.text != null && button('', () => copy(body.text, 'the body'), { symbol: 'copy', quiet: true, label: 'Copy the body' }),
    el('a.button.quiet', { href: `api/requests/${id}/${side}/body`, download: `${id}-${side}`, 'aria-label': 'Download the body', title: 'Download the body' },
      icon('save')));
  const { node } = tabbed(`Body of the ${side === 'request' ? 'request' : 'answer'}`, views, { aside: tools });
  return el('div', {}, el('p.facts', {}, facts(body)), notices(body), node);
}

function facts(body) {
  return [
    body.media_type?.split(';')[0], bytes(body.size),
    body.encoding && `${body.encoding}${body.decoded ? ', decoded' : ''}`,
  ].filter(Boolean).join(' · ');
}

function notices(body) {
  const cut = body.cut && `Cut: only the first ${bytes(body.kept)} of ${bytes(body.size)} were kept.`;
  return [cut, body.problem].filter(Boolean).map((sentence) => el('p.notice', {}, sentence));
}

/** How to show it prettily, or null where the text says it all. */
function pretty({ headers }, { kind, text: said, media_type: type }, raw) {
  if (kind === 'json') {
    const root = said == null ? null : json.parse(said);
    return root && (() => jsonView(root));
  }
  if (kind === 'form') return said == null ? null : () => table(['Name', 'Value'], pairs(said));
  if (kind === 'multipart') {
    const value = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
    return () => later(raw(true), (all) => partsView(multipart(all, parameter(value, 'boundary'), PARTS + 1)));
  }
  if (kind === 'xml') {
    const lines = said == null ? null : indented(said);
    return lines == null ? null : () => text(lines);
  }
  if (kind === 'image' && image(type)) return () => later(raw(true), (all) => picture(all, image(type)));
  return null;
}

function jsonView(root) {
  const made = tree(root);
  if (root.kind !== 'object' && root.kind !== 'array') return made;
  return el('div', {}, el('p.folds', {},
    button('Unfold all', () => foldAll(made, true), { quiet: true }),
    button('Fold all', () => foldAll(made, false), { quiet: true })), made);
}

/** A table of captured names and values. */
export function table(head, rows) {
  if (!rows.length) return el('p.nothing', {}, 'Nothing in it');
  const lines = el('tbody');
  const made = el('div', {}, el('table.pairs', {},
    el('thead.unseen', {}, el('tr', {}, head.map((name) => el('th', { scope: 'col' }, name)))), lines));
  inPieces(lines, rows, FIRST.rows, ([name, value]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value)), made);
  return made;
}

function partsView(parts) {
  if (!parts) return el('p.notice', {}, 'Its boundary is not in the body.');
  const made = el('div.parts');
  if (parts.length > PARTS) made.append(el('p.notice', {}, `It has more than ${number(PARTS)} parts, of which these are the first; the body's text and bytes have all.`));
  inPieces(made, parts.slice(0, PARTS), FIRST.parts, (part, at) => el('section.part', {},
    el('h5', {}, part.name ?? `part ${at + 1}`, ' ',
      el('span.facts', {}, [part.filename, part.type, bytes(part.bytes.length), part.whole ? null : 'not whole'].filter(Boolean).join(' · '))),
    el('details', {}, el('summary', {}, 'Head of the part'), table(['Name', 'Value'], part.headers)),
    partBody(part)));
  return made;
}

function partBody({ type, bytes: all }) {
  if (image(type)) return picture(all, image(type));
  if (!all.length) return el('p.nothing', {}, 'Empty');
  const said = asText(all);
  const root = said != null && /json/i.test(type ?? '') ? json.parse(said) : null;
  if (root) return tree(root);
  return said == null ? hex(all) : text(said);
}

/** The text that the bytes are, or null where they are none. */
function asText(all) {
  try {
    const said = new TextDecoder('utf-8', { fatal: true }).decode(all);
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000e-\u001a]/.test(said) ? null : said;
  } catch {
    return null;
  }
}

/** Blobs live until the page forgets them: the picture's goes once it is shown or broken. */
function picture(all, type) {
  const url = URL.createObjectURL(new Blob([all], { type }));
  const size = el('p.facts');
  const shown = el('img', { alt: 'the image of this body' });
  const done = () => URL.revokeObjectURL(url);
  shown.addEventListener('load', () => {
    size.textContent = `${shown.naturalWidth} × ${shown.naturalHeight} pixels`;
    done();
  });
  shown.addEventListener('error', () => {
    shown.remove();
    size.textContent = 'Its bytes are no image that this browser knows.';
    done();
  });
  shown.src = url;
  return el('div.picture', {}, shown, size);
}

export function text(said) {
  return growing(said.length, FIRST.text, (from, until) => said.slice(from, until), (left) => `${bytes(left)} more`);
}

export function hex(all) {
  const made = growing(all.length, FIRST.bytes, (from, until) => dump(all, from, until) + '\n', (left) => `${bytes(left)} more`);
  made.classList.add('hex');
  return made;
}

/** A `pre` that grows by a press. */
function growing(length, size, piece, rest) {
  const shown = el('pre', { tabindex: '0' });
  const made = el('div', {}, shown);
  let until = 0;
  const grow = () => {
    const from = until;
    until = Math.min(length, until + size);
    shown.append(piece(from, until));
    more.textContent = rest(length - until);
    if (until >= length) more.remove();
  };
  const more = el('button.quiet.more', { type: 'button', onclick: grow });
  made.append(more);
  grow();
  return made;
}

/** What comes later, in its place. */
function later(promise, show) {
  const place = el('div', {}, el('p.nothing', {}, 'Loading…'));
  promise.then((value) => place.replaceChildren(show(value)))
    .catch((error) => place.replaceChildren(el('p.notice', {}, error.message)));
  return place;
}
