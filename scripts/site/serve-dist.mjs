/** Serves `dist/` for the tests: `node scripts/site/serve-dist.mjs --port 4391 --base /studio/`. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listen, staticServer } from './server.mjs';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4391' }, base: { type: 'string', default: '/' } },
});
const root = join(dirname(fileURLToPath(import.meta.url)), '../../dist');
await listen(staticServer({ root, basePath: values.base }), { port: Number(values.port) });
