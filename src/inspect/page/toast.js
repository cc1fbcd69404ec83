// Short news at the foot of the page, and the clipboard, whose news they are mostly.

let timer;

export function say(text, tone = '') {
  const toast = document.getElementById('toast');
  toast.textContent = text;
  toast.className = `shown ${tone}`;
  clearTimeout(timer);
  timer = setTimeout(() => { toast.className = ''; }, tone === 'bad' ? 8000 : 3000);
}

/** Runs what may fail, and says so where it does. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    say(error.message, 'bad');
    return undefined;
  }
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    say(`The browser does not let this page copy ${what}`, 'bad');
  }
}
