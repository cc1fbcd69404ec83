// Indents XML. Pure, and no reader of XML: tags are found by their signs, and what is not well-formed stays as it is.

/** Deeper than this it stays as it is: spaces would outweigh what they stand before. */
const DEPTH = 100;

/** What stands between signs of its own, none of which count within. */
const WHOLE = [['<!--', '-->'], ['<![CDATA[', ']]>'], ['<?', '?>'], ['<!', '>']];

/** The text with one element a line, or null where it does not nest. */
export function indented(text) {
  const lines = [];
  const open = [];
  let joined = false; // whether the line before is an opened element with nothing but text so far
  for (let at = 0; at < text.length;) {
    const end = text[at] === '<' ? tagEnd(text, at) : textEnd(text, at);
    if (end < 0) return null;
    const piece = text.slice(at, end).trim();
    at = end;
    if (!piece) continue;
    const isClosing = piece.startsWith('</');
    if (isClosing && open.pop() !== name(piece)) return null;
    if (joined && (isClosing || piece[0] !== '<')) lines.push(lines.pop() + piece);
    else lines.push('  '.repeat(open.length) + piece);
    if (piece[0] !== '<') continue;
    joined = !isClosing && !/^<[!?]/.test(piece) && !piece.endsWith('/>');
    if (joined && open.push(name(piece)) > DEPTH) return null;
  }
  return open.length ? null : lines.join('\n');
}

const name = (tag) => /^<\/?([^\s/>]*)/.exec(tag)[1];

function textEnd(text, at) {
  const end = text.indexOf('<', at);
  return end < 0 ? text.length : end;
}

/** Where the tag that begins at `at` is over; -1 where it never is. Looks at each sign once. */
function tagEnd(text, at) {
  const whole = WHOLE.find(([begin]) => text.startsWith(begin, at));
  if (whole) {
    const end = text.indexOf(whole[1], at + whole[0].length);
    return end < 0 ? -1 : end + whole[1].length;
  }
  const sign = /[>"']/g;
  sign.lastIndex = at;
  for (let found = sign.exec(text); found; found = sign.exec(text)) {
    if (found[0] === '>') return sign.lastIndex;
    const end = text.indexOf(found[0], sign.lastIndex);
    if (end < 0) return -1;
    sign.lastIndex = end + 1;
  }
  return -1;
}
