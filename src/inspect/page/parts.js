// Takes forms apart: urlencoded pairs, and multipart bodies into their parts. Pure.

/** `[name, value]`, decoded; what is no UTF-8 once decoded stays as it was written. */
export function pairs(text) {
  const decoded = (part) => {
    try {
      return decodeURIComponent(part.replaceAll('+', ' '));
    } catch {
      return part;
    }
  };
  return text.split('&').filter(Boolean).map((pair) => {
    const at = pair.indexOf('=');
    return at < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
  });
}

/** A parameter of a header's value: `boundary`, `name`, `filename`. */
export function parameter(value, name) {
  const found = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, 'i').exec(value ?? '');
  return found ? (found[1]?.replace(/\\(.)/g, '$1') ?? found[2]) : null;
}

/** Each byte as one character, so that places in the text are places in the bytes. */
const latin = (bytes) => new TextDecoder('latin1').decode(bytes);

/**
 * The parts of a multipart body: `{ headers: [[name, value]], name, filename, type, bytes, whole }`, `whole` false for
 * one without an end; the first of them, as many as `most`. Null where the boundary is not in it. (RFC 2046, section 5.1)
 */
export function multipart(bytes, boundary, most = Infinity) {
  if (!boundary) return null;
  // windows-1252, which `latin1` means to browsers, moves some bytes; ends and places stay, so bytes are cut, not text.
  const text = latin(bytes);
  const sign = `--${latin(new TextEncoder().encode(boundary))}`;
  const parts = [];
  let at = text.startsWith(sign) ? 0 : text.indexOf(`\r\n${sign}`);
  if (at < 0) return null;
  if (at > 0) at += 2;
  while (at >= 0 && parts.length < most) {
    const from = at + sign.length;
    if (text.startsWith('--', from)) break;
    const begin = text.indexOf('\r\n', from);
    const end = text.indexOf(`\r\n${sign}`, begin < 0 ? from : begin);
    if (begin < 0) break;
    parts.push(part(bytes.subarray(begin + 2, end < 0 ? bytes.length : end), end >= 0));
    at = end < 0 ? -1 : end + 2;
  }
  return parts;
}

function part(bytes, whole) {
  const text = latin(bytes);
  const blank = text.startsWith('\r\n') ? -2 : text.indexOf('\r\n\r\n');
  const head = blank < 0 ? '' : new TextDecoder().decode(bytes.subarray(0, blank));
  const headers = head.split('\r\n').filter(Boolean).map((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const value = (name) => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  const disposition = value('content-disposition');
  return {
    headers,
    name: parameter(disposition, 'name'),
    filename: parameter(disposition, 'filename'),
    type: value('content-type') ?? null,
    bytes: blank === -1 ? new Uint8Array() : bytes.subarray(blank + 4),
    whole,
  };
}
