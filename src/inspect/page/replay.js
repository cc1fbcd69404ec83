// Sends exchanges again: one, or several in order.

import * as api from './api.js';
import { button, el } from './dom.js';
import { counted, duration, outcome } from './format.js';
import { attempt, say } from './toast.js';

/** Again as it was; the id of what came of it. */
export async function replay(id, edited) {
  say(`Replaying #${id}…`);
  const made = await attempt(() => api.replay(id, edited));
  if (made) say(`#${id} was replayed as #${made.id}${made.signed ? ', signed afresh' : ''}`);
  return made?.id;
}

/** Several, each once the one before it has ended; a dialog tells how they fare. */
export async function replayInOrder(ids, show) {
  const dialog = document.getElementById('series');
  const rows = el('tbody');
  let stopped = false;
  const close = button('Stop', () => dialog.close());
  dialog.onclose = () => { stopped = true; };
  dialog.replaceChildren(
    el('h2', { id: 'series-title' }, `Replaying ${counted(ids.length, 'request')}, oldest first`),
    el('div.scroll', { tabindex: '0' }, el('table.series', {},
      el('thead', {}, el('tr', {}, ['Request', 'Before', 'Now', ''].map((name) => el('th', { scope: 'col' }, name)))), rows)),
    el('p.actions', {}, close));
  dialog.showModal();
  for (const id of ids) {
    if (stopped) return;
    const cells = [el('td'), el('td'), el('td')];
    const name = el('th', { scope: 'row' }, `#${id}`);
    rows.append(el('tr', {}, name, cells));
    await replayOne(id, name, cells, (made) => {
      dialog.close();
      show(made);
    });
    rows.lastChild.scrollIntoView({ block: 'nearest' });
  }
  close.textContent = 'Done';
}

async function replayOne(id, name, [before, now, link], show) {
  try {
    const was = await api.exchange(id);
    name.textContent = `#${id} ${was.method} ${was.path}`;
    told(before, was);
    now.textContent = 'waiting…';
    const { id: made } = await api.replay(id);
    told(now, await api.exchange(made));
    link.append(button('Compare', () => show(made), { quiet: true }));
  } catch (error) {
    now.textContent = error.message;
    now.className = 'is-error';
  }
}

function told(cell, exchange) {
  const { text, kind } = outcome(exchange);
  cell.textContent = `${text}, ${duration(exchange.duration_ms)}`;
  cell.className = `is-${kind}`;
}
