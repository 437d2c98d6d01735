/** The licence texts of everything that the build bundles, as one file of the site. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'licenses.md';
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
/** A package's own text, and that of compiled code it carries. */
const TEXT = /^(?:codec\/)?(?:licen[cs]e|copying|notice)/i;

/**
 * Two vite plugins: `inWorkers` sees what workers bundle, which the build itself does not see; `inPage` sees the rest and
 * writes the file. A package without a text fails the build.
 * @returns {{ inPage: () => import('vite').Plugin, inWorkers: () => import('vite').Plugin }}
 */
export function notices() {
  /** Folders of packages. @type {Set<string>} */
  const bundled = new Set();
  /** @returns {import('vite').Plugin} */
  const collect = (name) => ({
    name,
    apply: 'build',
    buildEnd() {
      for (const id of this.getModuleIds()) {
        const [folder] = PACKAGE.exec(id.replaceAll('\\', '/')) ?? [];
        if (folder && !folder.includes('\0')) bundled.add(folder);
      }
    },
  });
  let outDir = '';
  return {
    inWorkers: () => collect('notices-in-workers'),
    inPage: () => ({
      ...collect('notices'),
      configResolved: (config) => {
        outDir = join(config.root, config.build.outDir);
      },
      writeBundle: async () => {
        const parts = await Promise.all([...bundled].sort().map(noticeOf));
        const head = '# Licences\n\nThe site holds code of these packages.';
        await writeFile(join(outDir, FILE), `${[head, ...parts].join('\n\n')}\n`);
      },
    }),
  };
}

/** @param {string} folder of a package */
async function noticeOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
  const texts = files.filter((file) => TEXT.test(file)).sort();
  if (texts.length === 0) throw new Error(`${name} is bundled and has no licence text`);
  const read = texts.map(async (file) => (await readFile(join(folder, file), 'utf8')).trim());
  return [`## ${name} ${version} (${license})`, ...(await Promise.all(read))].join('\n\n');
}
