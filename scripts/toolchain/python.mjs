/** A Python for the tests: a virtual environment in `python/.venv` with exactly what `python/requirements.txt` pins. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.mjs';

const LEAST = [3, 11];
const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];

/** `3.12` of a Python; null when it does not start. */
function versionOf(command) {
  const code = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const { status, stdout } = spawnSync(command, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

function isRecent(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

/**
 * The first Python on the search path that is recent enough.
 * @throws Error that says what is there and what to install
 */
function findPython() {
  const found = [];
  for (const command of NAMES) {
    const version = versionOf(command);
    if (version && isRecent(version)) return { command, version };
    if (version) found.push(`${command} is ${version}`);
  }
  throw new Error(
    `The Python tests need Python ${LEAST.join('.')} or later on the search path ` +
      `(${found.length > 0 ? found.join(', ') : 'there is none'}). ` +
      'Install it (Debian: apt-get install python3 python3-venv), then run this again.',
  );
}

/**
 * Makes the virtual environment, or takes the one that is there when it was made from the same requirements by the same
 * Python. One that was cut off while it was made has no stamp and is made anew.
 * @param {string} root the repository
 * @returns {Promise<string>} its Python
 * @throws Error that says what is missing
 */
export async function ensurePython(root) {
  const folder = join(root, 'python', '.venv');
  const requirements = join(root, 'python', 'requirements.txt');
  const python =
    process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
  const stampFile = join(folder, 'stamp');
  const { command, version } = findPython();
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const stamp = `Python ${version}, requirements ${pins}\n`;
  const written = await readFile(stampFile, 'utf8').catch(() => '');
  if (written === stamp && versionOf(python) === version) return python;
  console.log(`Making python/.venv with Python ${version} (several GB, once; later runs use it again) …`);
  await rm(folder, { recursive: true, force: true });
  if ((await run(command, ['-m', 'venv', folder])) !== 0)
    throw new Error(
      `"${command} -m venv" failed: install the venv module of this Python (Debian: apt-get install python3-venv).`,
    );
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  if ((await run(python, install)) !== 0)
    throw new Error('pip could not install python/requirements.txt: its message above says which package.');
  await writeFile(stampFile, stamp);
  return python;
}
