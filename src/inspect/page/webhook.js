// What is known of a webhook: who sends it, what it tells of, and whether its signature holds.

import { el } from './dom.js';
import { provider as called } from './format.js';

const VERDICTS = {
  valid: ['The signature holds.', 'good'],
  invalid: ['The signature does not hold', 'bad'],
  unchecked: ['The signature was not checked', 'plain'],
};

export function webhookView({ provider, event, delivery, signature, reason }) {
  const [verdict, tone] = VERDICTS[signature] ?? [signature, 'plain'];
  const row = (name, value) => value && el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el('section.webhook', { 'aria-label': 'Webhook' },
    el('dl', {}, row('Webhook of', called(provider)), row('Event', event), row('Delivery', delivery)),
    el('p', { class: `verdict ${tone}` }, reason ? `${verdict.replace(/\.$/, '')}: ${reason}` : verdict));
}
