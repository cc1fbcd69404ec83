// The difference between two texts, line by line. Pure. (E. W. Myers, "An O(ND) Difference Algorithm", 1986)

/** More changed lines than this are not sought one by one: what differs is then all old, all new. */
const MOST = 1000;

/** Lines as `[sign, line]`, the sign ' ', '-' or '+'. */
export function diff(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start
    && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const same = (lines) => lines.map((line) => [' ', line]);
  const middle = changes(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

function changes(before, after) {
  const trace = furthest(before, after);
  if (!trace) return [...before.map((line) => ['-', line]), ...after.map((line) => ['+', line])];
  const lines = [];
  let [x, y] = [before.length, after.length];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const reach = trace[d];
    const k = x - y;
    const down = k === -d || (k !== d && reach[d + k - 1 + 1] < reach[d + k + 1 + 1]);
    const from = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : reach[d + from + 1];
    const fromY = fromX - from;
    while (x > Math.max(fromX, 0) && y > Math.max(fromY, 0) && before[x - 1] === after[y - 1]) {
      lines.push([' ', before[--x]]);
      y -= 1;
    }
    if (d > 0) lines.push(down ? ['+', after[--y]] : ['-', before[--x]]);
  }
  return lines.reverse();
}

/** For each number of changes, how far each diagonal reached before them; null where there are too many. */
function furthest(before, after) {
  const trace = [];
  let reach = new Int32Array([0, 0, 0]);
  for (let d = 0; d <= Math.min(MOST, before.length + after.length); d += 1) {
    // `reach[d + k + 1]` is diagonal k after d - 1 changes, with one more on each side.
    trace.push(reach);
    const next = new Int32Array(2 * d + 5);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && reach[d + k] < reach[d + k + 2]);
      let x = d === 0 ? 0 : down ? reach[d + k + 2] : reach[d + k] + 1;
      let y = x - k;
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x += 1;
        y += 1;
      }
      next[d + 1 + k + 1] = x;
      if (x >= before.length && y >= after.length) return trace;
    }
    reach = next;
  }
  return null;
}

/** What is equal further than `near` lines from a change is left out: `['…', count]`. */
export function folded(lines, near = 3) {
  const keep = new Uint8Array(lines.length);
  lines.forEach(([sign], at) => {
    if (sign !== ' ') keep.fill(1, Math.max(0, at - near), at + near + 1);
  });
  const shown = [];
  lines.forEach((line, at) => {
    if (keep[at]) shown.push(line);
    else if (shown.at(-1)?.[0] === '…') shown.at(-1)[1] += 1;
    else shown.push(['…', 1]);
  });
  return shown;
}
