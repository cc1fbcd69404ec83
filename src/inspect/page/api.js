// What the page asks of the client that serves it, and nothing else.

let token = document.querySelector('meta[name=sendit-token]').content;

/** An answer that is none, with the sentence that says why. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function ask(path, { method = 'GET', body, signal } = {}) {
  const headers = method === 'GET' ? {} : { 'sendit-token': token };
  if (body) headers['content-type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(`api/${path}`, { method, headers, signal, body: body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused(0, 'sendit does not answer; is it still running?');
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said.error ?? `the inspector answered ${answer.status}`);
}

/** A run of the program has a token of its own: a page that outlives one learns the next one's. */
export async function status() {
  const said = await (await ask('status')).json();
  token = said.token ?? token;
  return said;
}

export async function list(wishes) {
  const asked = Object.entries(wishes).filter(([, value]) => value != null && value !== '');
  return (await ask(`requests?${new URLSearchParams(asked)}`)).json();
}

export const exchange = async (id, signal) => (await ask(`requests/${id}`, { signal })).json();
export const curl = async (id) => (await ask(`requests/${id}/curl`)).text();
export const clear = () => ask('requests', { method: 'DELETE' });
export const replay = async (id, edited) => (await ask(`requests/${id}/replay`, { method: 'POST', body: edited })).json();

/** The kept bytes of a body, decoded or as they passed. */
export async function body(id, side, decoded) {
  return new Uint8Array(await (await ask(`requests/${id}/${side}/body${decoded ? '?decoded=1' : ''}`)).arrayBuffer());
}
