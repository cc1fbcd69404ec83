// The inspector's page in a real browser, beside a tunnel to `samples.mjs`: `run.mjs WHAT MODULES INSPECTOR PUBLIC-URL`.

import { browse, check } from '../chromium.mjs';
import { accessible } from './accessible.mjs';
import { foreign } from './foreign.mjs';
import { inspect, modules, what } from './page.mjs';
import { replays } from './replays.mjs';
import { views } from './views.mjs';
import { keys, lost, many, narrow } from './ways.mjs';

const all = { views, replays, keys, narrow, many, lost, accessible, foreign };

await browse(modules, async (context) => {
  const { page, wrong } = await inspect(context);
  await all[what]({ page, context });
  // That it is cut off the browser says as well.
  const complaints = wrong.filter((line) => what !== 'lost' || !line.includes('ERR_FAILED'));
  check(!complaints.length, complaints.join('\n'));
  console.log(`${what}: as it shall be`);
}, {
  // The rules are examined by a script that the page's policy does not let in.
  bypassCSP: what === 'accessible',
  viewport: { width: 1360, height: 820 },
  // A name that its owner's server now gives this machine's address.
  args: ['--host-resolver-rules=MAP rebound.example 127.0.0.1'],
});
