// The head of the page: where the tunnel begins and ends, how its link is, and what has passed.

import { copy } from './toast.js';
import { bytes, counted } from './format.js';

const at = (id) => document.getElementById(id);

/** What each state of the link is called, and its colour. */
const STATES = {
  connecting: ['connecting…', 'slow'],
  ready: ['connected', 'good'],
  lost: ['link lost, holding requests…', 'bad'],
  retrying: ['no server, trying again…', 'bad'],
};

export function showStatus({ url, target, state, link, totals }) {
  const anchor = at('url');
  const isWeb = /^https?:\/\//.test(url ?? '');
  anchor.hidden = at('copy-url').hidden = !isWeb;
  if (isWeb) {
    anchor.href = url;
    anchor.textContent = url;
  }
  at('copy-url').onclick = () => copy(url, 'the public URL');
  at('target').textContent = target ? `→ ${target}` : '';
  const [words, tone] = STATES[state] ?? [state, 'slow'];
  const shown = state === 'ready' && link ? `${words} · ${link}` : words;
  // Written only where it changes, as it is read aloud.
  if (at('state').textContent !== shown) at('state').textContent = shown;
  at('state').className = tone;
  at('totals').textContent = totals ? said(totals) : '';
}

function said({ seen, request_bytes: up, response_bytes: down }) {
  return `${counted(seen, 'request')} · ↑ ${bytes(up)} · ↓ ${bytes(down)}`;
}
