// The form in which a request is changed before it is sent again.

import { button, el } from './dom.js';
import { bytes } from './format.js';

/** Headers of how a body was packed: changed text is sent as plain text, so they would not be true. */
const PACKING = ['content-encoding', 'transfer-encoding', 'content-length'];

/** Header lines as `[name, value]`; the error says which line is none. Pure. */
export function headersOf(text) {
  return text.split('\n').map((line) => line.trimEnd()).filter(Boolean).map((line) => {
    const at = line.indexOf(':');
    const name = line.slice(0, Math.max(at, 0)).trim();
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new Error(`“${line.slice(0, 60)}” is no header: write Name: value`);
    return [name, line.slice(at + 1).trim()];
  });
}

/**
 * What to ask of the API: only what is otherwise than it `was`, so that all else goes out byte for byte as it came. Both
 * are the texts of the fields. Pure.
 */
export function editedRequest(was, now) {
  const edited = {};
  if (!now.method.trim()) throw new Error('the method is missing');
  if (!now.path.startsWith('/') && now.path !== '*') throw new Error('the path has to begin with /');
  if (now.method !== was.method) edited.method = now.method.trim();
  if (now.path !== was.path) edited.path = now.path;
  if (now.body !== was.body) {
    edited.body = now.body;
    edited.headers = headersOf(now.headers).filter(([name]) => !PACKING.includes(name.toLowerCase()));
  } else if (now.headers !== was.headers) {
    edited.headers = headersOf(now.headers);
  }
  return edited;
}

/** Opens the form; `send` gets what the API is to be asked. */
export function openEditor(exchange, send) {
  const dialog = document.getElementById('edit');
  const { request, id } = exchange;
  const { body } = request;
  const isText = body.size === 0 || body.text != null;
  const fields = {
    method: el('input', { name: 'method', required: true, spellcheck: 'false', autocomplete: 'off' }),
    path: el('input', { name: 'path', required: true, spellcheck: 'false', autocomplete: 'off' }),
    headers: el('textarea', { name: 'headers', rows: '9', spellcheck: 'false', wrap: 'off' }),
    body: el('textarea', { name: 'body', rows: '12', spellcheck: 'false' }),
  };
  fields.method.value = exchange.method;
  fields.path.value = exchange.path;
  fields.headers.value = request.headers.map(([name, value]) => `${name}: ${value}`).join('\n');
  fields.body.value = body.text ?? '';
  const values = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
  // Read back, as a text area writes line ends its own way. Half a body is sent only as what stands here.
  const was = { ...values(), ...body.cut && { body: null } };
  const problem = el('p.problem', { role: 'alert' });
  const submit = (event) => {
    event.preventDefault();
    try {
      const edited = editedRequest(was, values());
      dialog.close();
      send(edited);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const label = (name, field) => el('label', { class: 'field' }, el('span', {}, name), field);
  dialog.replaceChildren(
    el('form', { onsubmit: submit },
      el('h2', { id: 'edit-title' }, `Edit and replay #${id}`),
      el('div.line', {}, label('Method', fields.method), label('Path', fields.path)),
      label('Headers', fields.headers),
      signing(exchange.webhook).map((sentence) => el('p.notice', {}, sentence)),
      label('Body', fields.body),
      note(body, isText).map((sentence) => el('p.notice', {}, sentence)),
      problem,
      el('p.actions', {}, button('Cancel', () => dialog.close()),
        el('button.primary', { type: 'submit', title: 'Ctrl Enter' }, 'Send'))));
  dialog.onkeydown = (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) dialog.querySelector('form').requestSubmit();
  };
  dialog.showModal();
  fields.path.focus();
}

/** What becomes of a webhook's signature. Pure. */
export function signing(webhook) {
  if (webhook?.renews.length) return [`Signed afresh as it is sent, unless you edit it here: ${webhook.renews.join(', ')}.`];
  return webhook ? ['Its signature is sent as it stands here.'] : [];
}

function note(body, isText) {
  return [
    body.cut && `Only the first ${bytes(body.kept)} of ${bytes(body.size)} were kept: what is sent is what stands here.`,
    !isText && `The body is ${bytes(body.size)} of no text: left empty, it is sent as it was; what you write takes its place.`,
    body.decoded && `It came as ${body.encoding} and is shown decoded: unchanged, it is sent as it came; changed, as plain text.`,
  ].filter(Boolean);
}
