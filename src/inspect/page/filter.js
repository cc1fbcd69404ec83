// Which exchanges are shown. Pure: what is found inside heads and bodies comes from the API as a set of ids.

export const ALL = { text: '', path: '', method: '', status: '', within: 0 };

export function isAll(filter) {
  return Object.keys(ALL).every((name) => filter[name] === ALL[name]);
}

/** `2xx`, `404`, `waiting` or `failed`. */
function statusIs(wanted, { status, state }) {
  if (wanted === 'waiting') return status == null && (state === 'asked' || state === 'answering');
  if (wanted === 'failed') return ['cut', 'unreachable'].includes(state) || status >= 400;
  const text = String(status ?? '');
  return wanted.endsWith('xx') ? text.length === 3 && text[0] === wanted[0] : text === wanted;
}

/** A part of the path, or with `*` all of it. */
function pathIs(wanted, path) {
  const [first, ...rest] = wanted.toLowerCase().split('*');
  const said = path.toLowerCase();
  if (!rest.length) return said.includes(first);
  const last = rest.pop();
  let at = first.length;
  // The first place for each part leaves the most for those that follow.
  for (const part of rest) {
    const found = said.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return said.startsWith(first) && said.endsWith(last) && said.length - last.length >= at;
}

/** What a row shows of it holds the text. */
function shows(text, { method, path, host, webhook }) {
  const all = [method, path, host, webhook?.provider, webhook?.event, webhook?.delivery].filter(Boolean).join(' ');
  return all.toLowerCase().includes(text.toLowerCase());
}

/** The test for one moment; `found` are the ids that the API found the text in. */
export function passes(filter, found, now) {
  return (summary) =>
    (!filter.method || summary.method === filter.method)
    && (!filter.within || summary.started >= now - filter.within)
    && (!filter.status || statusIs(filter.status, summary))
    && (!filter.path || pathIs(filter.path, summary.path))
    && (!filter.text || found.has(summary.id) || shows(filter.text, summary));
}
