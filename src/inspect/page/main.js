// The page: what comes is shown once a frame, and what is pressed is done.

import * as api from './api.js';
import { Detail } from './detail.js';
import { openEditor } from './edit.js';
import { emptyView } from './empty.js';
import { follow } from './events.js';
import { Exchanges } from './exchanges.js';
import { ALL, isAll, passes } from './filter.js';
import { counted, number } from './format.js';
import { showStatus } from './head.js';
import { listen, showHelp } from './keys.js';
import { List } from './list.js';
import { replay, replayInOrder } from './replay.js';
import { toggle } from './theme.js';
import { attempt, copy, say } from './toast.js';

const at = (id) => document.getElementById(id);
const narrow = matchMedia('(max-width: 719px)');

let status = {};
let filter = { ...ALL };
let lost = false;
/** Whether it is known what has passed before the page was there. */
let loaded = false;

const exchanges = new Exchanges({ changed: redraw, failed: (error) => say(error.message, 'bad') });
const list = new List(at('grid'), (id) => exchanges.store.get(id), { open, marked: redraw });
const detail = new Detail(at('detail'), { close, replay: again, edit, curl }, () => filter.text);

// Drawing, once a frame however much has come.

let frame = 0;
function redraw() {
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const { store } = exchanges;
  const ids = store.newest(passes(filter, exchanges.found, Date.now()));
  at('grid').hidden = ids.length === 0;
  at('empty').hidden = ids.length > 0;
  if (!ids.length) drawEmpty(store.size > 0);
  list.show(ids);
  at('count').textContent = isAll(filter) ? '' : `${number(ids.length)} of ${number(store.size)}`;
  at('no-filter').hidden = isAll(filter);
  for (const id of list.marked) if (!store.get(id)) list.marked.delete(id);
  at('replay-marked').hidden = list.marked.size === 0;
  at('replay-marked').textContent = `Replay ${list.marked.size}`;
  at('clear').disabled = store.size === 0;
  at('har').hidden = store.size === 0;
}

function drawEmpty(filtered) {
  const key = `${filtered} ${loaded} ${status.url}`;
  if (at('empty').dataset.key === key) return;
  at('empty').dataset.key = key;
  at('empty').replaceChildren(emptyView({ url: status.url, filtered, loaded, showAll }));
}

// What is open stands in the address, so that the browser's own way back works.

function open(id, { quietly = false } = {}) {
  if (id == null) return;
  if (detail.id == null && !quietly) history.pushState({ opened: true }, '', `#${id}`);
  else history.replaceState(history.state, '', `#${id}`);
  showOpen();
  if (narrow.matches) at('detail').focus();
}

function close() {
  if (detail.id == null) return;
  if (history.state?.opened) history.back();
  else {
    history.replaceState(null, '', location.pathname);
    showOpen();
  }
}

function showOpen() {
  const id = Number(/^#(\d+)$/.exec(location.hash)?.[1]) || null;
  document.body.classList.toggle('opened', id != null);
  if (id == null) {
    detail.close();
    list.opened(null);
    list.put(list.cursor);
    at('grid').focus({ preventScroll: true });
    return;
  }
  detail.open(id);
  list.opened(id);
  // Lines are of another height beside what is open.
  list.put(id);
}

// What can be done with exchanges.

const current = () => detail.id ?? list.cursor;

async function again() {
  const id = current() == null ? null : await replay(current());
  if (id) open(id);
}

async function edit() {
  const id = current();
  if (id == null) return;
  const exchange = await attempt(() => api.exchange(id));
  if (exchange) openEditor(exchange, async (edited) => {
    const made = await replay(id, edited);
    if (made) open(made);
  });
}

async function curl() {
  const id = current();
  const line = id != null && await attempt(() => api.curl(id));
  if (line) await copy(line, `#${id} as curl`);
}

async function replayMarked() {
  const ids = [...list.marked].sort((a, b) => a - b);
  if (!ids.length) return;
  list.marked.clear();
  redraw();
  await replayInOrder(ids, open);
}

let asked = 0;
function clear() {
  if (!exchanges.store.size) return;
  if (Date.now() - asked > 4000) {
    asked = Date.now();
    say(`Press again to clear ${counted(exchanges.store.size, 'request')}`);
    return;
  }
  asked = 0;
  attempt(async () => {
    await api.clear();
    say('Cleared');
  });
}

// Filters.

const fields = [...at('filters').querySelectorAll('input, select')];

function filtered() {
  const value = (name) => fields.find((field) => field.name === name).value;
  filter = { text: value('text').trim(), path: value('path').trim(), method: value('method'), status: value('status'), within: Number(value('within')) };
  exchanges.seek(filter.text);
  at('grid').scrollTop = 0;
  detail.mark();
  redraw();
}

function showAll() {
  for (const field of fields) field.value = field.name === 'within' ? '0' : '';
  filtered();
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
fields.find(({ name }) => name === 'method').append(...METHODS.map((name) => new Option(name, name)));
for (const field of fields) field.addEventListener('input', filtered);
// What is shown of the last minute changes by itself.
setInterval(() => filter.within && redraw(), 1000);

// What comes.

async function reload() {
  const was = status.started;
  status = await attempt(api.status) ?? status;
  showStatus(status);
  if (was && was !== status.started) exchanges.clear();
  await exchanges.load();
  loaded = true;
  redraw();
  detail.changed(detail.id);
}

/** Of what has passed the status tells when it is asked only: after something has, and not too often. */
let counting;
function count() {
  counting ??= setTimeout(async () => {
    counting = undefined;
    status = await api.status().catch(() => status);
    showStatus(status);
  }, 1500);
}

/** What the head says is not known to be so any longer. */
function showLost(now) {
  at('lost').hidden = !now;
  at('lost').textContent = now ? 'The inspector does not answer: sendit may have ended. Trying again…' : '';
  document.body.classList.toggle('lost', now);
}

/** Told to a screen reader now and then only, not each one. */
let unsaid = 0;
setInterval(() => {
  if (unsaid) at('news').textContent = `${counted(unsaid, 'new request')}`;
  unsaid = 0;
}, 15_000);

follow({
  open() {
    showLost(false);
    if (lost) say('Connected to the inspector again');
    lost = false;
    reload();
  },
  lost() {
    lost = true;
    showLost(true);
  },
  exchange(summary) {
    if (!exchanges.store.get(summary.id)) unsaid += 1;
    exchanges.put(summary);
    count();
    detail.changed(summary.id);
  },
  said: ({ id }) => detail.changed(id),
  status(said) {
    status = { ...status, ...said };
    showStatus(status);
    redraw();
  },
  cleared() {
    exchanges.clear();
    close();
  },
  missed: reload,
});

const help = () => showHelp(status.version ?? '');

function move(by) {
  const id = list.move(by);
  if (detail.id != null) open(id);
}

listen({
  j: () => move(1), k: () => move(-1), g: () => move(-Infinity), G: () => move(Infinity),
  Enter: () => open(list.cursor), Escape: close, '/': () => fields[0].focus(),
  r: again, e: edit, c: curl, x: clear, R: replayMarked, t: toggle, '?': help,
  ' ': () => list.cursor != null && list.mark(list.cursor, !list.marked.has(list.cursor)),
});
at('show-help').onclick = help;
at('toggle-theme').onclick = toggle;
at('clear').onclick = clear;
at('no-filter').onclick = showAll;
at('replay-marked').onclick = replayMarked;
addEventListener('popstate', showOpen);
if (location.hash) showOpen();
