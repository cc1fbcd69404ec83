// A Vite dev server for the folder that is named, under the base path `/app/`.

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, root] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'package.json'));
const { createServer } = await import(pathToFileURL(require.resolve('vite')));

const server = await createServer({
  root,
  base: '/app/',
  configFile: false,
  logLevel: 'error',
  server: { host: '127.0.0.1', port: 0 },
});
await server.listen();
console.log(`http://127.0.0.1:${server.httpServer.address().port}`);
