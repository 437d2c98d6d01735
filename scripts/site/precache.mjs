/** The part of the build that makes the site work without a network. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

const WORKER = 'service-worker.js';
/** What the worker's source calls the list. */
const PLACEHOLDER = 'self.SITE_FILES';

/**
 * A vite plugin: bundles the service worker to the site's root and writes the list of all files into it, each with a hash of
 * its content, as workbox-precaching takes it.
 * @param {{ source: string }} options the worker's source file
 * @returns {import('vite').Plugin}
 */
export function precache({ source }) {
  let outDir = '';
  return {
    name: 'precache',
    apply: 'build',
    config: () => ({
      build: {
        rollupOptions: {
          input: { index: 'index.html', 'service-worker': source },
          output: {
            entryFileNames: ({ name }) => (name === 'service-worker' ? WORKER : 'assets/[name]-[hash].js'),
          },
        },
      },
    }),
    configResolved: (config) => {
      outDir = join(config.root, config.build.outDir);
    },
    closeBundle: async () => {
      const path = join(outDir, WORKER);
      const worker = await readFile(path, 'utf8');
      if (worker.split(PLACEHOLDER).length !== 2) throw new Error(`${WORKER} must name ${PLACEHOLDER} once`);
      if (/^\s*(import|export)\b/m.test(worker))
        throw new Error(`${WORKER} must be a script of its own, without imports`);
      const list = JSON.stringify(await listFiles(outDir));
      // A function, since a name may hold `$&`.
      await writeFile(
        path,
        worker.replace(PLACEHOLDER, () => list),
      );
    },
  };
}

/** All files of the site but the worker: `{ url, revision }`. */
async function listFiles(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((url) => url !== WORKER)
    .sort();
  return Promise.all(
    files.map(async (url) => {
      const bytes = await readFile(join(folder, url));
      return { url, revision: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
    }),
  );
}
