// Makes elements. Whatever passed through the tunnel becomes text and plain attributes here, never markup.

import { number } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

/** An element, `tag` as in `div.class.other`. Functions in `props` listen, `true` sets, `false` and `null` leave out. */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(props)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  // One by one: there may be more than a call takes arguments.
  for (const child of children.flat(Infinity)) if (child != null && child !== false) made.append(child);
  return made;
}

/** One of the symbols of `index.html`; says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A button with an icon, a text, or both. */
export function button(text, onclick, { symbol, key, quiet, label } = {}) {
  const props = { type: 'button', onclick, 'aria-label': label, title: label && (key ? `${label} (${key})` : label) };
  return el(quiet ? 'button.quiet' : 'button', props,
    symbol && icon(symbol), text && el('span', {}, text), text && key && el('kbd', { 'aria-hidden': 'true' }, key));
}

/** Fills `place` with what `make` makes of each item, so many at first, and as many more at each press of a button. */
export function inPieces(place, items, size, make, foot = place) {
  let from = 0;
  const more = el('button.quiet.more', { type: 'button', onclick: grow });
  function grow() {
    more.remove();
    const until = Math.min(from + size, items.length);
    for (; from < until; from += 1) place.append(make(items[from], from));
    more.textContent = `${number(items.length - from)} more`;
    if (from < items.length) foot.append(more);
  }
  grow();
}

let tabs = 0;

/** Tabs as the ARIA practices have them. `entries`: `[name, () => Node]`; each is made when it is first shown. */
export function tabbed(label, entries, { chosen = 0, aside = [], onchoose = () => {} } = {}) {
  const number = tabs++;
  const panel = el('div.panel', { role: 'tabpanel', id: `panel-${number}`, tabindex: '0' });
  const made = [];
  const choose = (index, focus) => {
    buttons.forEach((one, at) => {
      one.setAttribute('aria-selected', at === index);
      one.tabIndex = at === index ? 0 : -1;
    });
    made[index] ??= entries[index][1]();
    panel.replaceChildren(made[index]);
    panel.setAttribute('aria-labelledby', buttons[index].id);
    if (focus) buttons[index].focus();
    onchoose(index);
  };
  const buttons = entries.map(([name], index) => el('button.tab', {
    type: 'button', role: 'tab', id: `tab-${number}-${index}`, 'aria-controls': panel.id, onclick: () => choose(index),
  }, name));
  const move = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    choose((buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length, true);
  };
  const bar = el('div.tabs', { role: 'tablist', 'aria-label': label, onkeydown: move }, buttons);
  choose(chosen);
  return { node: el('div.tabbed', {}, el('div.tabline', {}, bar, aside), panel), choose };
}
