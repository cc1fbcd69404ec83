// The keyboard: which key does what, and the help that says so.

import { button, el } from './dom.js';

/** `[keys, what they do]`, as the help shows them. */
const HELP = [
  ['j k ↓ ↑', 'next, previous request'], ['g G', 'newest, oldest'], ['Enter', 'open'], ['Esc', 'back, close'],
  ['/', 'search heads and bodies'], ['r', 'replay'], ['e', 'edit and replay'], ['c', 'copy as curl'],
  ['Space', 'select for a replay of several'], ['R', 'replay the selected, oldest first'], ['x x', 'clear all'],
  ['t', 'light or dark'], ['?', 'this help'],
];

/** `does` has a function for each key's name. */
export function listen(does) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector('dialog[open]')) return;
    const { target, key } = event;
    if (target.matches('input:not([type=checkbox]), textarea, select')) {
      if (key === 'Escape') target.blur();
      return;
    }
    // On a button, a link or a fold these have their own sense.
    if (['Enter', ' '].includes(key) && target.closest('button, a, summary, input')) return;
    if (['ArrowDown', 'ArrowUp', ' '].includes(key) && target.closest('#detail')) return;
    const act = does[{ ArrowDown: 'j', ArrowUp: 'k', Home: 'g', End: 'G' }[key] ?? key];
    if (!act || (['Home', 'End'].includes(key) && target.closest('#detail'))) return;
    event.preventDefault();
    act();
  });
}

export function showHelp(version) {
  const dialog = document.getElementById('help');
  const close = button('Close', () => dialog.close());
  dialog.replaceChildren(
    el('h2', { id: 'help-title' }, 'Keys'),
    el('dl.keys', {}, HELP.map(([keys, what]) => [
      el('dt', {}, keys.split(' ').map((key) => el('kbd', {}, key))), el('dd', {}, what)])),
    el('p.facts', {}, `This is sendit ${version}. `, 'All of this stays on your machine. Scripts ask the same of ',
      el('a', { href: 'api/openapi.json', target: '_blank' }, 'the API'), '.'),
    el('p.actions', {}, close));
  dialog.showModal();
  close.focus();
}
