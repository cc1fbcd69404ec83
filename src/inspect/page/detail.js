// One exchange, whole: kept up to date while it lasts, without closing what its reader has opened.

import * as api from './api.js';
import { compareView } from './compare.js';
import { button, el, icon, tabbed } from './dom.js';
import { badges, bytes, counted, duration, moment, outcome } from './format.js';
import { highlight } from './highlight.js';
import { messageView, signature } from './message.js';
import { saidView } from './said.js';
import { timingView } from './timing.js';
import { webhookView } from './webhook.js';

/** Between two loads of the same exchange while it goes on, in ms: one with many messages is not small. */
const PAUSE = 400;

export class Detail {
  id = null;
  exchange = null;
  #place;
  #actions;
  #search;
  #parts = null;
  #loading = null;
  #timer = null;

  /** `actions` has what its buttons do; `search()` is the text that is sought. */
  constructor(place, actions, search) {
    this.#place = place;
    this.#actions = actions;
    this.#search = search;
  }

  open(id) {
    if (id === this.id) return;
    this.close();
    this.id = id;
    this.#place.hidden = false;
    this.#load();
  }

  close() {
    this.#loading?.abort();
    clearTimeout(this.#timer);
    this.#timer = this.#loading = this.#parts = this.exchange = this.id = null;
    this.#place.hidden = true;
    this.#place.replaceChildren();
    highlight(this.#place, '');
  }

  /** What is open has gone on. */
  changed(id) {
    if (id == null || id !== this.id || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#load();
    }, PAUSE);
  }

  mark() {
    if (this.id != null) highlight(this.#place, this.#search());
  }

  async #load() {
    this.#loading?.abort();
    const loading = this.#loading = new AbortController();
    try {
      const exchange = await api.exchange(this.id, loading.signal);
      if (loading === this.#loading) this.#show(exchange);
    } catch (error) {
      if (error.name === 'AbortError' || loading !== this.#loading) return;
      // What was shown stays; it is what there is.
      if (this.exchange) return;
      const gone = error.status === 404 ? `Request #${this.id} is not kept any longer.` : error.message;
      this.#place.replaceChildren(el('div.bar-top', {}, this.#back()), el('p.notice', {}, gone));
    }
  }

  #show(exchange) {
    this.exchange = exchange;
    // What kind it is shows in the answer, which may come after it was opened.
    if (this.#parts?.kind !== exchange.kind) this.#build(exchange);
    const parts = this.#parts;
    parts.title.replaceChildren(...heading(exchange));
    parts.facts.replaceChildren(facts(exchange), timingView(exchange));
    for (const side of ['request', 'response']) {
      const now = signature(exchange[side]) + (exchange[side] ? '' : outcome(exchange).text);
      if (parts[side].signature === now) continue;
      parts[side].signature = now;
      const pending = exchange.cause ?? (exchange.state === 'asked' ? 'Waiting for the answer…' : 'There was none.');
      parts[side].place.replaceChildren(messageView(exchange.id, side, exchange[side], pending));
    }
    const hook = JSON.stringify(exchange.webhook);
    if (exchange.webhook && parts.hook !== hook) parts.webhook.replaceChildren(webhookView(exchange.webhook));
    parts.hook = hook;
    parts.said?.update(exchange);
    const isOver = exchange.duration_ms != null;
    if (exchange.replay_of != null && parts.isOver !== isOver) parts.compare.replaceChildren(compareView(exchange));
    parts.isOver = isOver;
    this.mark();
  }

  #build(exchange) {
    const parts = this.#parts = {
      kind: exchange.kind, compare: el('div'),
      title: el('h2.title'), facts: el('div.facts-line'), webhook: el('div'),
      request: { place: el('div') }, response: { place: el('div') },
    };
    const sides = el('div.sides', {}, parts.request.place, parts.response.place);
    const views = [['Exchange', () => sides]];
    if (exchange.kind !== 'http' || exchange.said.length) {
      parts.said = saidView();
      views.push(['Messages', () => parts.said.node]);
    }
    if (exchange.replay_of != null) views.push([`Compare with #${exchange.replay_of}`, () => parts.compare]);
    // What there is to see of a replay is the difference, and of a WebSocket what is said.
    const chosen = exchange.replay_of != null || exchange.kind === 'websocket' ? views.length - 1 : 0;
    const all = views.length > 1
      ? tabbed('What to see of it', views, { chosen, onchoose: () => queueMicrotask(() => this.mark()) }).node : sides;
    this.#place.replaceChildren(this.#top(parts.title), parts.facts, parts.webhook, all);
    this.#place.scrollTop = 0;
  }

  #back() {
    return button('', this.#actions.close, { symbol: 'back', quiet: true, label: 'Back to the list', key: 'Esc' });
  }

  /** Made once, so that no button goes away under a finger. */
  #top(title) {
    const act = (name, label, symbol, key) => button(label, this.#actions[name], { symbol, key });
    return el('div.bar-top', {}, this.#back(), title, el('span.actions', {},
      act('replay', 'Replay', 'replay', 'r'), act('edit', 'Edit', 'edit', 'e'), act('curl', 'curl', 'copy', 'c'),
      el('a.button', { href: `api/requests/${this.id}/har`, download: `sendit-${this.id}.har`, title: 'Download as HAR' },
        icon('save'), el('span', {}, 'HAR'))));
  }
}

/** What was asked, and what came of it. */
function heading(exchange) {
  const { text, kind } = outcome(exchange);
  return [el('span.method', {}, exchange.method || '—'), ' ', el('span.path', {}, exchange.path), ' ',
    el('span', { class: `status is-${kind}` }, text)];
}

function facts(exchange) {
  const words = [
    `#${exchange.id}`, moment(exchange.started), exchange.host, duration(exchange.duration_ms),
    `↑ ${bytes(exchange.request_bytes)}`, `↓ ${bytes(exchange.response_bytes)}`,
    exchange.said.length > 0 && counted(exchange.said.length + exchange.unkept, 'message'),
  ];
  return el('p.facts', {}, words.filter(Boolean).join(' · '), ' ',
    badges(exchange).map(([word, tone, why]) => el('span', { class: `badge ${tone}`, title: why }, word)));
}
