/**
 * Starts one of the command line programs (`npm run mopeft`, `conformance`, `bench`) with a WebGPU adapter for Node:
 * `node scripts/cli.mjs src/cli/main.ts ARGUMENTS…`.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isInstalled } from './site/fresh.mjs';
import { adapterEnvironment } from './toolchain/adapter.mjs';
import { findChromium } from './toolchain/chromium.mjs';
import { needsAdapter } from './toolchain/needs-adapter.mjs';
import { checkNode } from './toolchain/node-version.mjs';
import { run } from './toolchain/run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main() {
  const [entry, ...args] = process.argv.slice(2);
  await checkNode(root);
  if (!entry) throw new Error('Name a program: node scripts/cli.mjs src/cli/main.ts …');
  if (!(await isInstalled(root))) {
    console.error('Installing from the lock file (npm ci) …');
    if ((await run('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd: root })) !== 0)
      throw new Error('npm ci failed.');
  }
  if (entry === 'src/cli/main.ts' && !needsAdapter(args)) {
    // In this process, which is there already.
    process.argv = [process.execPath, join(root, entry), ...args];
    (await import('tsx/esm/api')).register();
    await import(pathToFileURL(join(root, entry)).href);
    return;
  }
  // Where there is no adapter, what needs one says so, in the form that it was asked for.
  const env = await adapterEnvironment(findChromium()).catch(() => process.env);
  process.exitCode = await run(process.execPath, ['--import', 'tsx', join(root, entry), ...args], { env });
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
