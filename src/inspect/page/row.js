// One line of the list, made once and filled again and again.

import { el } from './dom.js';
import { badges, bytes, duration, outcome, time } from './format.js';

/** `onmark(id, marked)` is told when its box is ticked. */
export function row(onmark) {
  const box = el('input', { type: 'checkbox', tabindex: '-1', onchange: () => onmark(made.summary.id, box.checked) });
  const cells = Object.fromEntries(['no', 'time', 'method', 'path', 'status', 'duration', 'size'].map((name) =>
    [name, el(`span.${name}`, { role: 'gridcell' })]));
  const words = el('span.words');
  const marks = el('span.badges');
  cells.path.append(words, marks);
  const node = el('div.row', { role: 'row' }, el('span.mark', { role: 'gridcell' }, box), Object.values(cells));
  const made = { node, summary: null, fill, place };

  function fill(summary) {
    if (made.summary === summary) return;
    made.summary = summary;
    const { text, kind } = outcome(summary);
    node.id = `row-${summary.id}`;
    box.setAttribute('aria-label', `Select request ${summary.id}`);
    cells.no.textContent = `#${summary.id}`;
    cells.time.textContent = time(summary.started);
    cells.method.textContent = summary.method || '—';
    words.textContent = summary.path || summary.cause || '—';
    cells.path.title = summary.path;
    marks.replaceChildren(...badges(summary).map(([word, tone, why]) => el('span.badge', { class: `badge ${tone}`, title: why }, word)));
    cells.status.textContent = text;
    cells.status.className = `status is-${kind}`;
    cells.status.title = summary.cause ?? '';
    cells.duration.textContent = summary.duration_ms == null ? '…' : duration(summary.duration_ms);
    cells.size.replaceChildren(
      size('↑', summary.request_bytes, 'the request'), size('↓', summary.response_bytes, 'the answer'));
  }

  function place(index, height, { cursor, open, marked }) {
    node.style.transform = `translateY(${index * height}px)`;
    // The line of headings is the first.
    node.setAttribute('aria-rowindex', index + 2);
    node.setAttribute('aria-selected', cursor);
    node.classList.toggle('open', open);
    box.checked = marked;
  }

  return made;
}

/** Of a body; none, where there is none. */
function size(arrow, count, whose) {
  return el('span', { title: count ? `body of ${whose}` : null }, count ? `${arrow} ${bytes(count)}` : '');
}
