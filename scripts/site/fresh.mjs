/** Whether what was installed and what was built still match what is in the repository. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * True when `node_modules` holds exactly the versions of the lock file (packages for other platforms aside).
 * @param {string} root the repository
 */
export async function isInstalled(root) {
  const read = async (path) => JSON.parse(await readFile(join(root, path), 'utf8')).packages;
  try {
    const [wanted, have] = await Promise.all([
      read('package-lock.json'),
      read('node_modules/.package-lock.json'),
    ]);
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const found = have[path];
      return found ? found.version === entry.version : entry.optional === true || entry.devOptional === true;
    });
  } catch {
    return false;
  }
}

/**
 * True when `dist/index.html` is newer than everything it was built from.
 * @param {string} root the repository
 */
export async function isBuilt(root) {
  const built = await stat(join(root, 'dist/index.html')).catch(() => null);
  if (!built) return false;
  const sources = [
    ...['src', 'shaders', 'public', 'index.html'],
    ...['vite.config.ts', 'scripts/site', 'package-lock.json'],
  ];
  for (const source of sources) if ((await newest(join(root, source))) > built.mtimeMs) return false;
  return true;
}

/** The latest change below a path, in milliseconds; 0 when it is not there. */
async function newest(path) {
  const info = await stat(path).catch(() => null);
  if (!info) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  let latest = info.mtimeMs;
  for (const name of await readdir(path)) latest = Math.max(latest, await newest(join(path, name)));
  return latest;
}
