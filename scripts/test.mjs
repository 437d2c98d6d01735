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

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const STEPS = [
  ['types', 'tsc', ['--noEmit']],
  ['lint and format', 'biome', ['ci', '--error-on-warnings']],
  ['import walls', 'depcruise', ['src', '--config', '.dependency-cruiser.cjs']],
  ['unit, op conformance, model conformance, command line', 'vitest', ['run']],
  ['build', 'vite', ['build']],
  ['journeys in Chromium', 'playwright', ['test']],
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
  const failed = [];
  for (const [title, program, args] of STEPS) {
    console.log(`\n── ${title}`);
    const start = performance.now();
    const code = await run(bin(program), args, { cwd: root, env });
    console.log(
      `── ${title}: ${code === 0 ? 'passed' : 'FAILED'} in ${((performance.now() - start) / 1000).toFixed(0)} s`,
    );
    if (code !== 0) failed.push(title);
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join('; ')}`);
  console.log(`\n${STEPS.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
