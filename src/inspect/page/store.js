// What the page knows of all exchanges: their summaries in order, bounded. Pure but for its listener.

/** More are not kept in the page; the oldest go first. */
export const ROOM = 10_000;

export class Store {
  #summaries = new Map();
  /** Ascending. */
  #ids = [];

  get size() {
    return this.#ids.length;
  }

  get oldest() {
    return this.#ids[0];
  }

  get(id) {
    return this.#summaries.get(id);
  }

  put(summary) {
    const { id } = summary;
    if (!this.#summaries.has(id)) {
      let at = this.#ids.length;
      while (at > 0 && this.#ids[at - 1] > id) at -= 1;
      this.#ids.splice(at, 0, id);
    }
    this.#summaries.set(id, summary);
    while (this.#ids.length > ROOM) this.#summaries.delete(this.#ids.shift());
  }

  /** A page of older ones, newest first, as the API lists them. */
  putOlder(page) {
    const fresh = page.filter(({ id }) => !this.#summaries.has(id)).slice(0, ROOM - this.#ids.length);
    for (const summary of fresh) this.#summaries.set(summary.id, summary);
    this.#ids = [...fresh.map(({ id }) => id), ...this.#ids].sort((a, b) => a - b);
  }

  clear() {
    this.#summaries.clear();
    this.#ids = [];
  }

  /** The ids of those that pass, newest first. */
  newest(passes) {
    const ids = [];
    for (let at = this.#ids.length - 1; at >= 0; at -= 1) {
      if (passes(this.#summaries.get(this.#ids[at]))) ids.push(this.#ids[at]);
    }
    return ids;
  }
}
