// How numbers, times and states read. Pure.

/** 512 B, 1.4 kB, 23 MB: in thousands, rounded down, as the terminal has it. */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  let tenths = Math.floor(count / 100);
  let unit = 0;
  while (tenths >= 10_000 && unit < 3) {
    tenths = Math.floor(tenths / 1000);
    unit += 1;
  }
  const value = tenths < 100 ? (tenths / 10).toFixed(1) : Math.floor(tenths / 10);
  return `${value} ${['kB', 'MB', 'GB', 'TB'][unit]}`;
}

/** 0.4 ms, 12 ms, 1.24 s, 3 min 5 s, 2 h 7 min. */
export function duration(ms) {
  if (ms == null) return '';
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

const two = (number) => String(number).padStart(2, '0');

/** 14:03:22, of the reader's own zone. */
export function time(ms) {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}

/** 2026-03-01 14:03:22.417 */
export function moment(ms) {
  const date = new Date(ms);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${time(ms)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`;
}

/** 12 345, its groups kept on one line. */
export function number(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `1 request`, `2 requests`. */
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const REASONS = {
  100: 'Continue', 101: 'Switching', 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content',
  206: 'Partial', 301: 'Moved', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 307: 'Redirect',
  308: 'Redirect', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Bad Method',
  409: 'Conflict', 410: 'Gone', 411: 'No Length', 412: 'Precondition', 413: 'Too Large', 415: 'Bad Type',
  416: 'Bad Range', 418: 'Teapot', 422: 'Invalid', 429: 'Too Many', 431: 'Head Too Large', 500: 'Error',
  501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Unavailable', 504: 'Timeout',
};

/** What a row says of the outcome: its text, and the class that colours it. */
export function outcome({ status, state }) {
  if (status != null) {
    const kind = ['', 'info', 'ok', 'moved', 'fault', 'error'][Math.floor(status / 100)] ?? '';
    return { text: [status, REASONS[status]].filter(Boolean).join(' '), kind };
  }
  const words = { asked: 'waiting', answering: 'waiting', unreachable: 'unreachable', cut: 'cut', opaque: 'opaque' };
  return { text: words[state] ?? 'no answer', kind: state === 'unreachable' || state === 'cut' ? 'error' : 'pending' };
}

const PROVIDERS = { github: 'GitHub', stripe: 'Stripe', slack: 'Slack', twilio: 'Twilio', standard: 'Standard Webhooks' };

/** What people call who sends webhooks. */
export const provider = (name) => PROVIDERS[name] ?? name;

/** The marks of an exchange, as `[text, kind, explanation]`. */
export function badges(summary) {
  const marks = [];
  const { webhook } = summary;
  if (webhook) marks.push([webhook.event ?? provider(webhook.provider), 'hook', `webhook of ${provider(webhook.provider)}`]);
  if (webhook?.signature === 'valid') marks.push(['signed', 'good', 'the signature holds']);
  if (webhook?.signature === 'invalid') marks.push(['bad signature', 'bad', webhook.reason ?? 'the signature does not hold']);
  if (summary.kind === 'websocket') marks.push(['ws', 'live', 'WebSocket']);
  if (summary.kind === 'sse') marks.push(['sse', 'live', 'server-sent events']);
  if (summary.replay_of != null) marks.push([`replay of #${summary.replay_of}`, 'plain', 'sent again by you']);
  if (summary.held_ms >= HELD) marks.push([`held ${duration(summary.held_ms)}`, 'slow', 'waited for a client that was gone, or a target that refused']);
  if (summary.resumed) marks.push(['resumed', 'slow', 'the link was lost and came back meanwhile']);
  if (summary.state === 'cut' && summary.status != null) marks.push(['cut', 'bad', summary.cause ?? 'ended before it was whole']);
  if (summary.state === 'opaque') marks.push(['opaque', 'plain', summary.cause ?? 'not understood, passed on all the same']);
  return marks;
}

/** Shorter waits for a connection are no news, in ms. */
const HELD = 100;

/** A media type's kind of image, where the page may show it. SVG is a document, and is shown as its source. */
export function image(mediaType) {
  const type = (mediaType ?? '').split(';')[0].trim().toLowerCase();
  return ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp', 'image/x-icon',
    'image/vnd.microsoft.icon'].includes(type) ? type : null;
}
