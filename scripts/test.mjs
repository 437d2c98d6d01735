/**
 * `npm test`: everything a change must pass, on a fresh clone with nothing but Node.
 * Fails, never skips, where no WebGPU adapter is to be had.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from './site/fresh.mjs';
import { adapterEnvironment } from './toolchain/adapter.mjs';
import { ensureChromium } from './toolchain/chromium.mjs';
import { checkNode } from './toolchain/node-version.mjs';
import { run } from './toolchain/run.mjs';
import { runSteps } from './toolchain/steps.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const STEPS = [
  ['types', 'tsc', ['--noEmit']],
  ['lint and format', 'biome', ['ci', '--error-on-warnings']],
  ['import walls', 'depcruise', ['src', '--config', '.dependency-cruiser.cjs']],
  ['unused code', 'knip', []],
  ['unit, op conformance, model conformance, command line', 'vitest', ['run']],
  ['looks of the screens', 'playwright', ['test', '--config', 'e2e/looks/playwright.config.ts']],
  ['build', 'vite', ['build']],
  ['journeys in Chromium', 'playwright', ['test', '--project', 'journeys']],
];

async function main() {
  await checkNode(root);
  if (!(await isInstalled(root))) {
    console.log('Installing from the lock file (npm ci) …');
    if ((await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root })) !== 0)
      throw new Error('npm ci failed.');
  }
  const chromium = await ensureChromium(root);
  const env = { ...(await adapterEnvironment(chromium)), ...(chromium ? { MOPEFT_CHROMIUM: chromium } : {}) };
  const steps = STEPS.map(([title, program, args]) => [title, bin(program), args]);
  process.exitCode = await runSteps(steps, { cwd: root, env });
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
