/** What the first visit loads before the engine and the model, held to a budget by the build. */
import { gzipSync } from 'node:zlib';

const KIB = 1024;

/**
 * A vite plugin that fails the build if a page, opened first, needs more than `kib` KiB of gzip: index.html, the entry, one
 * part that the entry loads on demand (a page, say), and all scripts and styles that these import.
 * Workers and models are not counted, nor what a page loads later by itself, such as the charts.
 * @param {{ kib: number }} options
 * @returns {import('vite').Plugin}
 */
export function budget({ kib }) {
  return {
    name: 'budget',
    apply: 'build',
    enforce: 'post',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const [name, bytes] = heaviest(bundle);
        console.log(`first load: ${(bytes / KIB).toFixed(1)} KiB gzip of ${kib} (index with ${name})`);
        if (bytes > kib * KIB) {
          throw new Error(
            `The first load is ${(bytes / KIB).toFixed(1)} KiB gzip, over the budget of ${kib}. ` +
              'Load what the first screen does not show on demand (docs/measurements/first-load.md).',
          );
        }
      },
    },
  };
}

/**
 * The part that makes the largest first load, and its size in bytes.
 * @param {object} bundle files by name, as the build gives them
 * @returns {[string, number]}
 */
export function heaviest(bundle) {
  const entry = Object.values(bundle).find(
    (file) => file.type === 'chunk' && file.isEntry && file.name === 'index',
  );
  if (entry?.type !== 'chunk') throw new Error('The build has no entry "index".');
  const sizes = new Map();
  const sizeOf = (name) => {
    const file = bundle[name];
    if (!file) return 0;
    if (!sizes.has(name)) sizes.set(name, gzipSync(file.type === 'chunk' ? file.code : file.source).length);
    return sizes.get(name);
  };
  const total = (parts) => {
    const needed = new Set(['index.html']);
    const add = (name) => {
      const file = bundle[name];
      if (needed.has(name) || file?.type !== 'chunk') return;
      needed.add(name);
      for (const style of file.viteMetadata?.importedCss ?? []) needed.add(style);
      file.imports.forEach(add);
    };
    parts.forEach(add);
    return [...needed].reduce((sum, name) => sum + sizeOf(name), 0);
  };
  return [null, ...entry.dynamicImports]
    .map((part) => [part ?? 'nothing', total(part ? [entry.fileName, part] : [entry.fileName])])
    .reduce((most, next) => (next[1] > most[1] ? next : most));
}
