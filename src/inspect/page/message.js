// One side of an exchange: its start line, headers, body and trailers.

import { bodyView, table } from './body.js';
import { el } from './dom.js';

/** Whether headers are folded, for all that are shown after. */
let folded = false;

export function messageView(id, side, message, pending) {
  const title = side === 'request' ? 'Request' : 'Answer';
  if (!message) return el('section.message', {}, el('h3', {}, title), el('p.nothing', {}, pending));
  const headers = el('details.headers', { open: !folded, ontoggle: () => { folded = !headers.open; } },
    el('summary', {}, `Headers (${message.headers.length})`), table(['Header', 'Value'], message.headers));
  return el('section.message', {},
    el('h3', {}, title),
    el('p.start', {}, message.start_line),
    headers,
    el('h4', {}, 'Body'),
    bodyView(id, side, message),
    message.trailers?.length > 0 && [el('h4', {}, 'Trailers'), table(['Trailer', 'Value'], message.trailers)]);
}

/** What tells whether it has to be shown anew. */
export function signature(message) {
  if (!message) return '';
  const { start_line: line, headers, trailers, body } = message;
  return JSON.stringify([line, headers, trailers, body.size, body.kept, body.kind, body.problem, body.decoded]);
}
