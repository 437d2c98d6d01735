/**
 * `npm start`: installs from the lock file when needed, builds when needed, serves the studio on this machine.
 * PORT chooses the port; without it the first free one from 4173 on is taken. MOPEFT_MIRROR names a mirror of the hub
 * that models come from.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt, isInstalled } from './site/fresh.mjs';
import { checkNode } from './toolchain/node-version.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a program with its output shown; rejects with a sentence when it fails. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`"${[command, ...args].join(' ')}" failed (exit ${code}).`)),
    );
  });
}

/** The port of the environment; undefined when none is asked for. */
function portFromEnvironment() {
  const text = process.env.PORT;
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new Error(`PORT is "${text}", which is no port: give a whole number from 0 to 65535.`);
}

async function main() {
  await checkNode(root);
  const port = portFromEnvironment();
  if (!(await isInstalled(root))) {
    console.log('Installing from the lock file (npm ci) …');
    await run('npm', ['ci', '--no-audit', '--no-fund']);
  }
  if (!(await isBuilt(root))) {
    console.log('Building the studio …');
    await run('npm', ['run', '--silent', 'build']);
  }
  // Its packages are there only now.
  const { listen, staticServer } = await import('./site/server.mjs');
  const { mirrorOrigins } = await import('./site/csp.mjs');
  const mirror = mirrorOrigins(process.env.MOPEFT_MIRROR);
  const server = staticServer({ root: join(root, 'dist'), mirror });
  const actual = await listen(server, port === undefined ? {} : { port });
  console.log(`\nMoPEFT Studio: http://127.0.0.1:${actual}/\nCtrl+C ends it.`);
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
