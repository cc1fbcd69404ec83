// What is compared of two answers, and how their difference is told. Pure.

import { dump } from './hex.js';
import * as json from './json.js';
import { indented } from './xml.js';

/** Headers that differ from one answer to the next by their nature. */
const VOLATILE = ['date', 'age', 'x-request-id', 'x-runtime', 'etag', 'server-timing'];

/** The lines of an answer's head; headers in the order of their names, as their order says nothing. */
export function headLines({ start_line: line, headers }) {
  return [line, ...headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort()];
}

/** The lines of a body as it is shown; of what is no text, those of its dump. */
export function bodyLines({ kind, text }, raw) {
  if (text == null) return raw.length ? dump(raw).split('\n') : [];
  const root = kind === 'json' ? json.parse(text) : null;
  const shown = root ? json.indented(root) : kind === 'xml' ? indented(text) : null;
  return (shown ?? text).split('\n');
}

/** One sentence on what differs, from the lines of both differences. */
export function verdict(head, body) {
  const changed = head.filter(([sign]) => sign !== ' ').map(([, line]) => line);
  const headers = [...new Set(changed.map((line) => line.split(':')[0]))];
  if (changed.some((line) => line.startsWith('HTTP/'))) return 'The status differs.';
  if (body.some(([sign]) => sign !== ' ')) return 'The bodies differ.';
  if (!headers.length) return 'The answers are the same.';
  const told = headers.every((name) => VOLATILE.includes(name)) ? ', as was to be expected' : '';
  return `Only headers differ: ${headers.join(', ')}${told}.`;
}
