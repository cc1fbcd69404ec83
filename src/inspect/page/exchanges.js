// Brings the list: what is kept already page by page, what comes as it comes, and what a text is found in.

import * as api from './api.js';
import { ROOM, Store } from './store.js';

/** As many as one answer brings. */
const PAGE = 500;
/** After the last stroke in the search, and between what came that may hold what is sought and the look for it, in ms. */
const PAUSE = 250;

export class Exchanges {
  store = new Store();
  /** The ids that the API found the sought text in. */
  found = new Set();
  #text = '';
  #round = 0;
  /** What has come since a load began. */
  #since = null;
  /** The look that is to come, or is under way. */
  #look;
  /** Something has come since that began. */
  #due = false;
  #on;

  /** `on`: `changed()` whenever the list may be another, `failed(error)`. */
  constructor(on) {
    this.#on = on;
  }

  /** All of it anew. What is shown stays until the first answer is there. */
  async load() {
    const round = this.#round += 1;
    const since = this.#since = new Map();
    await this.#pages('', round, (page, first) => {
      if (!first) return this.store.putOlder(page);
      // What came while the answer was on its way may be newer than what stands in it.
      this.store.clear();
      this.store.putOlder(page);
      since.forEach((summary) => this.store.put(summary));
      this.#since = null;
    });
    if (this.#text) this.seek(this.#text);
  }

  put(summary) {
    this.store.put(summary);
    this.#since?.set(summary.id, summary);
    if (this.#text) this.#later();
    this.#on.changed();
  }

  clear() {
    this.#round += 1;
    this.store.clear();
    this.found.clear();
    this.#on.changed();
  }

  /** Looks for a text in heads and bodies; nothing for an empty one. */
  seek(text) {
    if (text !== this.#text) this.found = new Set();
    this.#text = text;
    clearTimeout(this.#look);
    this.#look = undefined;
    if (text) this.#later();
    this.#on.changed();
  }

  /** Looks soon. What comes meanwhile puts it off no further, for there may be no end of that: it waits for the next look. */
  #later() {
    this.#due = true;
    this.#look ??= setTimeout(() => this.#find(), PAUSE);
  }

  async #find() {
    const [text, look] = [this.#text, this.#look];
    this.#due = false;
    await this.#pages(text, this.#round, (page) => {
      if (text === this.#text) page.forEach(({ id }) => this.found.add(id));
    });
    if (look !== this.#look) return;
    this.#look = undefined;
    if (this.#due && this.#text) this.#later();
  }

  /** Asks for one page after the other until there are no older ones, or no room. */
  async #pages(text, round, take) {
    let before;
    for (let count = 0; count < ROOM;) {
      let said;
      try {
        said = await api.list({ limit: PAGE, before, text });
      } catch (error) {
        this.#on.failed(error);
        return;
      }
      if (round !== this.#round || text !== (text && this.#text)) return;
      const page = said.exchanges;
      take(page, before === undefined);
      this.#on.changed();
      count += page.length;
      before = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }
}
