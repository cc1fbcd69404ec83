// Reads JSON as it was written: numbers keep their digits, keys their order and their doubles. Pure.

/** Deeper than this is not shown as a tree. */
const DEPTH = 200;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

/**
 * `{ kind: 'object', entries: [[key, node]] }`, `{ kind: 'array', items: [node] }`, or
 * `{ kind: 'string' | 'number' | 'word', text }` with what stands there. Null where it is no JSON.
 */
export function parse(text) {
  let at = 0;
  const take = (pattern) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match?.[0];
  };
  const is = (sign) => {
    take(SPACE);
    const there = text[at] === sign;
    if (there) at += 1;
    return there;
  };
  const fail = () => { throw new SyntaxError(`no JSON at ${at}`); };

  const many = (end, one) => {
    const all = [];
    if (is(end)) return all;
    do all.push(one()); while (is(','));
    return is(end) ? all : fail();
  };
  const value = (depth) => {
    if (depth > DEPTH) fail();
    if (is('{')) {
      return { kind: 'object', entries: many('}', () => {
        take(SPACE);
        const key = take(STRING) ?? fail();
        if (!is(':')) fail();
        return [key, value(depth + 1)];
      }) };
    }
    if (is('[')) return { kind: 'array', items: many(']', () => value(depth + 1)) };
    for (const [kind, pattern] of [['string', STRING], ['number', NUMBER], ['word', WORD]]) {
      const found = take(pattern);
      if (found) return { kind, text: found };
    }
    return fail();
  };

  try {
    const whole = value(0);
    take(SPACE);
    return at === text.length ? whole : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Deeper than this nothing begins a line: spaces would outweigh what they stand before. */
const INDENTED = 40;

/** The same with two spaces a level, one value a line. */
export function indented(node, depth = 0) {
  const inner = depth + 1;
  const [first, between, last] = depth < INDENTED
    ? [`\n${'  '.repeat(inner)}`, `,\n${'  '.repeat(inner)}`, `\n${'  '.repeat(depth)}`] : ['', ', ', ''];
  const wrap = (open, lines, close) => (lines.length ? open + first + lines.join(between) + last + close : open + close);
  if (node.kind === 'object') return wrap('{', node.entries.map(([key, child]) => `${key}: ${indented(child, inner)}`), '}');
  if (node.kind === 'array') return wrap('[', node.items.map((child) => indented(child, inner)), ']');
  return node.text;
}
