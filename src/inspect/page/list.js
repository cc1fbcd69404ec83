// The list of exchanges: of thousands only the lines in sight exist, and are used again as it moves.

import { row } from './row.js';

/** Lines beyond either edge, so that none is missing while it scrolls. */
const BEYOND = 8;

export class List {
  /** What is marked for a replay. */
  marked = new Set();
  cursor = null;
  open = null;
  #ids = [];
  #rows = [];
  #grid;
  #body;
  #summary;
  #on;

  /** `summary(id)` gives what a line shows; `on`: `open(id)`, and `marked()` when other lines are. */
  constructor(grid, summary, on) {
    this.#grid = grid;
    this.#body = grid.querySelector('.body');
    this.#summary = summary;
    this.#on = on;
    grid.addEventListener('scroll', () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(grid);
    this.#body.addEventListener('click', (event) => this.#clicked(event));
  }

  get ids() {
    return this.#ids;
  }

  /** Another list; what is in sight stays where it is, but at the very top, where new ones come in. */
  show(ids) {
    const height = this.#height();
    const first = Math.floor(this.#grid.scrollTop / height);
    const anchor = first > 0 ? this.#ids[first] : null;
    this.#ids = ids;
    this.#grid.setAttribute('aria-rowcount', ids.length + 1);
    this.#body.style.height = `${ids.length * height}px`;
    const at = anchor == null ? -1 : ids.indexOf(anchor);
    if (at > 0 && at !== first) this.#grid.scrollTop += (at - first) * height;
    this.#draw();
  }

  /** Moves the cursor by so many lines; says where it is. */
  move(by) {
    const at = this.#ids.indexOf(this.cursor);
    const to = Math.max(0, Math.min(at + by, this.#ids.length - 1));
    return this.put(this.#ids[to] ?? null);
  }

  /** Puts the cursor on a line, and brings that into sight. */
  put(id) {
    this.cursor = id;
    const at = this.#ids.indexOf(id);
    if (at >= 0) {
      const height = this.#height();
      const room = this.#grid.clientHeight - this.#body.offsetTop;
      const { scrollTop } = this.#grid;
      if (at * height < scrollTop) this.#grid.scrollTop = at * height;
      else if ((at + 1) * height > scrollTop + room) this.#grid.scrollTop = (at + 1) * height - room;
    }
    this.#draw();
    return id;
  }

  mark(id, marked) {
    if (marked) this.marked.add(id);
    else this.marked.delete(id);
    this.#draw();
    this.#on.marked();
  }

  opened(id) {
    this.open = id;
    this.#draw();
  }

  #clicked(event) {
    if (event.target.closest('.mark')) return;
    const id = Number(event.target.closest('.row')?.id.slice('row-'.length));
    if (id) this.#on.open(this.put(id));
  }

  /** Of one line, as the style sheet says for this width. */
  #height() {
    return parseFloat(getComputedStyle(this.#grid).getPropertyValue('--row')) || 34;
  }

  #draw() {
    const height = this.#height();
    this.#body.style.height = `${this.#ids.length * height}px`;
    const first = Math.max(0, Math.floor(this.#grid.scrollTop / height) - BEYOND);
    const count = Math.ceil(this.#grid.clientHeight / height) + 2 * BEYOND;
    const last = Math.min(this.#ids.length, first + count);
    while (this.#rows.length < count) this.#rows.push(row((id, marked) => this.mark(id, marked)));
    const used = new Set();
    for (let index = first; index < last; index += 1) {
      const id = this.#ids[index];
      const one = this.#rows[index % this.#rows.length];
      used.add(one);
      one.fill(this.#summary(id));
      one.place(index, height, { cursor: id === this.cursor, open: id === this.open, marked: this.marked.has(id) });
      if (one.node.parentNode !== this.#body) this.#body.append(one.node);
    }
    for (const one of this.#rows) if (!used.has(one)) one.node.remove();
    const shown = this.#ids.indexOf(this.cursor);
    if (shown >= first && shown < last) this.#grid.setAttribute('aria-activedescendant', `row-${this.cursor}`);
    else this.#grid.removeAttribute('aria-activedescendant');
  }
}
