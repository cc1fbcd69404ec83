// A hex dump: place, bytes, and what of them can be printed. Pure.

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The lines of `bytes` from `from` to `until`, sixteen a line, in pairs. */
export function dump(bytes, from = 0, until = bytes.length) {
  const lines = [];
  for (let at = from; at < until; at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, until));
    let hex = '';
    let text = '';
    row.forEach((byte, index) => {
      hex += HEX[byte] + (index % 2 ? ' ' : '');
      text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    });
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(40)} ${text}`);
  }
  return lines.join('\n');
}
