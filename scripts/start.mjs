/** `npm start`: installs from the lock file when needed, builds when needed, serves the studio on this machine. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isBuilt, isInstalled } from './site/fresh.mjs';
import { checkNode } from './toolchain/node-version.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const HELP = `Usage:
  npm start [-- --port N]
Installs and builds the studio where that is needed, serves it on this machine and prints its address; Ctrl+C ends it.
  --port N  the port (also the variable PORT); the default is the first free one from 4173 on
The variable MOPEFT_MIRROR names a mirror of the hub that models come from.`;

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

/** The port that is asked for; undefined: none. */
function portOf(asked) {
  const [name, text] = asked === undefined ? ['PORT', process.env.PORT] : ['--port', asked];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new Error(`${name} is "${text}", which is no port: give a whole number from 0 to 65535.`);
}

/** What follows `npm start --`. */
function argumentsGiven() {
  try {
    return parseArgs({ options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    throw new Error(`${error.message}\n${HELP}`);
  }
}

async function main() {
  await checkNode(root);
  const asked = argumentsGiven();
  if (asked.help) {
    console.log(HELP);
    return;
  }
  const port = portOf(asked.port);
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
