/** A WebGPU adapter for Node (Dawn): the machine's own, else the software one that ships beside Chromium. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ICD = 'vk_swiftshader_icd.json';

/** What is said where there is none. */
export const NO_ADAPTER = {
  what: 'Node has no WebGPU adapter.',
  cure:
    'Install a Vulkan driver for the GPU, or Chromium with its software driver ' +
    `(Debian: apt-get install chromium libvulkan1; then VK_ICD_FILENAMES=/usr/lib/chromium/${ICD}).`,
};

/** Folders that may hold Chromium's software Vulkan driver. */
function driverFolders(chromium) {
  return [
    chromium && dirname(chromium),
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/opt/google/chrome',
  ].filter(Boolean);
}

/** Whether Dawn finds an adapter with this environment. A process of its own, since Dawn reads it only once. */
async function hasAdapter(env) {
  return (
    (await run(process.execPath, [join(root, 'scripts/toolchain/probe-adapter.mjs')], {
      env,
      quiet: true,
    })) === 0
  );
}

/**
 * The environment in which Node has a WebGPU adapter.
 * @param {string|null} chromium path of the browser whose software driver may be used
 * @throws Error that says how to get an adapter
 */
export async function adapterEnvironment(chromium) {
  if (await hasAdapter(process.env)) return process.env;
  for (const folder of driverFolders(chromium)) {
    const icd = join(folder, ICD);
    if (!existsSync(icd)) continue;
    const libraries = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(':');
    const env = { ...process.env, VK_ICD_FILENAMES: icd, LD_LIBRARY_PATH: libraries };
    if (await hasAdapter(env)) return env;
  }
  throw new Error(`${NO_ADAPTER.what} ${NO_ADAPTER.cure}`);
}
