/** A Chromium with WebGPU for the tests: one that is there, else Debian's package, else Playwright's download. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const USUAL = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Path of a Chromium that is installed: MOPEFT_CHROMIUM, the search path, the usual places; null when there is none. */
export function findChromium() {
  const chosen = process.env.MOPEFT_CHROMIUM;
  if (chosen) return existsSync(chosen) ? chosen : null;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...USUAL];
  return candidates.find((path) => existsSync(path)) ?? null;
}

/**
 * Finds or installs a Chromium.
 * @param {string} root the repository
 * @returns {Promise<string|null>} its path; null when Playwright's own download is to be used
 */
export async function ensureChromium(root) {
  const found = findChromium();
  if (found) return found;
  if (process.env.MOPEFT_CHROMIUM)
    throw new Error(`MOPEFT_CHROMIUM is "${process.env.MOPEFT_CHROMIUM}", where no browser is.`);
  if (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    (await run('apt-get', ['--version'], { quiet: true })) === 0
  ) {
    console.log(
      'No Chromium is installed; installing the distribution’s package (apt-get install chromium) …',
    );
    await run('apt-get', ['update']);
    if (
      (await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'libvulkan1'])) === 0
    ) {
      const installed = findChromium();
      if (installed) return installed;
    }
  }
  console.log('Downloading Playwright’s Chromium …');
  const code = await run(process.execPath, [
    join(root, 'node_modules/@playwright/test/cli.js'),
    'install',
    '--with-deps',
    'chromium',
  ]);
  if (code !== 0) {
    throw new Error(
      'No Chromium could be had. Install Chrome or Chromium, or name one with MOPEFT_CHROMIUM=/path/to/chrome.',
    );
  }
  return null;
}
