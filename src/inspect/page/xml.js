// Indents XML. Pure, and no reader of XML: tags are found by their signs, and what is not well-formed stays as it is.

const PIECE = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<![^>]*>|<\/[^>]*>|<(?:[^>"']|"[^"]*"|'[^']*')*>|[^<]+/g;

/** The text with one element a line, or null where it does not nest. */
export function indented(text) {
  const pieces = text.match(PIECE) ?? [];
  if (pieces.join('') !== text) return null;
  const lines = [];
  const open = [];
  let joined = false; // whether the line before is an opened element with nothing but text so far
  for (const piece of pieces) {
    const name = /^<\/?([^\s/>]+)/.exec(piece)?.[1];
    if (!piece.startsWith('<')) {
      if (!piece.trim()) continue;
      if (joined) lines.push(lines.pop() + piece.trim());
      else lines.push('  '.repeat(open.length) + piece.trim());
    } else if (piece.startsWith('</')) {
      if (open.pop() !== name) return null;
      if (joined) lines.push(lines.pop() + piece);
      else lines.push('  '.repeat(open.length) + piece);
      joined = false;
    } else {
      lines.push('  '.repeat(open.length) + piece);
      joined = !/^<[!?]/.test(piece) && !piece.endsWith('/>');
      if (joined) open.push(name);
    }
  }
  return open.length ? null : lines.join('\n');
}
