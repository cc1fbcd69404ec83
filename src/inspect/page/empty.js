// What stands where no exchange is: how to make the first one, or how to see those that a filter hides.

import { button, el } from './dom.js';
import { copy } from './toast.js';

export function emptyView({ url, filtered, loaded, showAll }) {
  if (filtered) {
    return el('div.empty', {}, el('p.lead', {}, 'No request passes the filter.'), button('Show all', showAll));
  }
  if (!loaded) return el('div.empty', {}, el('p', {}, 'Loading…'));
  if (!url) return el('div.empty', {}, el('p.lead', {}, 'Waiting for the tunnel…'));
  const line = `curl ${/^[\w:/.%~-]+$/.test(url) ? url : `'${url.replaceAll('\'', '%27')}'`}`;
  return el('div.empty', {},
    el('p.lead', {}, 'No requests yet'),
    el('p', {}, 'Whatever calls the public URL shows up here. Make the first one:'),
    el('p.command', {}, el('code', {}, line), button('', () => copy(line, 'the command'), { symbol: 'copy', quiet: true, label: 'Copy the command' })),
    el('p.facts', {}, 'Requests are kept in memory on this machine only, and are gone when sendit ends.'));
}
