// Light or dark: the system's choice, or the reader's own, which this browser remembers.

const KEY = 'sendit-theme';
const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage may be forbidden; then nothing is remembered.
  }
}

if (['light', 'dark'].includes(remembered())) root.dataset.theme = remembered();

/** The other one, from now on. */
export function toggle() {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, root.dataset.theme);
  } catch {
    // Then it holds for this page only.
  }
  return root.dataset.theme;
}
