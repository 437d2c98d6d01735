/**
 * `npm run test:faults [-- COUNT] [--seed N] [--folder PATH] [--only ACTION]`: kills the studio at COUNT random moments (200 by
 * default), drawn from a seed. Goes on where an earlier call in the same folder was ended; each moment is a line of
 * `moments.jsonl` there.
 */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ACTIONS } from '../e2e/faults/actions.ts';
import { FaultHarness } from '../e2e/faults/harness.ts';
import { Random } from '../src/config/random.ts';
import { isBuilt } from './site/fresh.mjs';
import { staticServer } from './site/server.mjs';
import { findChromium } from './toolchain/chromium.mjs';
import { run } from './toolchain/run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const PORT = 4393;

/** Draws what happens at a moment; the same for the same seed, index and possible actions. */
function draw(seed, index, possible) {
  const random = Random.fromSeed(seed, `moment ${index}`);
  const drawn = possible.flatMap((name) => Array(ACTIONS[name]?.weight ?? 1).fill(name));
  const [setting, kill] = [random.uniform(), random.uniform()];
  return {
    action: drawn[random.integer(drawn.length)] ?? '',
    setting: setting < 0.15 ? 'two tabs' : setting < 0.3 ? 'full' : 'alone',
    kill: kill < 0.15 ? 'browser' : 'page',
    share: 1.2 * random.uniform(),
  };
}

async function readMoments(file) {
  if (!existsSync(file)) return [];
  return (await readFile(file, 'utf8'))
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

/** The figures, a line for each action and setting. */
function summary(moments) {
  const row = (title, of) => {
    const count = (is) => of.filter(is).length;
    return [
      title.padEnd(20),
      of.length,
      count(({ answer }) => answer === 'accepted'),
      count(({ answer }) => answer === 'refused'),
      count(({ answer, isThere }) => answer === 'unsaid' && isThere),
      count(({ answer, isThere }) => answer === 'unsaid' && !isThere),
      of.reduce((sum, { resumed }) => sum + resumed, 0),
      count(({ faults }) => faults.length > 0),
    ].join(' | ');
  };
  const by = (key) =>
    [...new Set(moments.map((moment) => moment[key]))].sort().map((name) =>
      row(
        name,
        moments.filter((moment) => moment[key] === name),
      ),
    );
  const head = 'what | n | accepted | refused | unsaid, there | unsaid, not there | runs resumed | faults';
  return [head, ...by('action'), ...by('setting'), ...by('kill'), row('all', moments)].join('\n');
}

/** A moment that cannot be gone through is one with a fault. */
async function runMoment(harness, seed, index, only) {
  let plan = {};
  try {
    return await harness.run(`x${index}`, (possible) => {
      plan = draw(seed, index, only && possible.includes(only) ? [only] : possible);
      return plan;
    });
  } catch (error) {
    await harness.close();
    const faults = [error instanceof Error ? error.message : String(error)];
    return { ...plan, ms: 0, answer: 'unsaid', isThere: false, resumed: 0, faults };
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      folder: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const count = Number(positionals[0] ?? 200);
  const seed = Number(values.seed);
  const folder = values.folder ?? join(root, 'out', `faults-${seed}`);
  if (!(await isBuilt(root)) && (await run('npx', ['vite', 'build'], { cwd: root })) !== 0)
    throw new Error('The build failed.');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'moments.jsonl');
  const moments = await readMoments(file);
  const server = staticServer({ root: join(root, 'dist'), basePath: '/studio/' });
  // Always the same port: storage belongs to an origin.
  await new Promise((resolve) => server.listen(PORT, '127.0.0.1', resolve));
  const executablePath = findChromium();
  const harness = await FaultHarness.open({
    folder,
    address: `http://127.0.0.1:${PORT}/studio/`,
    launch: {
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
      ...(executablePath ? { executablePath } : {}),
    },
  });
  try {
    while (moments.length < count) {
      const index = moments.length;
      const moment = await runMoment(harness, seed, index, values.only);
      moments.push(moment);
      await appendFile(file, `${JSON.stringify(moment)}\n`);
      const { action, setting, kill, ms, answer, isThere, faults } = moment;
      console.log(
        `${index + 1} of ${count}: ${action}, ${setting}, ${kill} killed after ${ms} ms: ${answer}, ${isThere ? 'there' : 'not there'}${faults.map((fault) => `\n  FAULT ${fault}`).join('')}`,
      );
    }
  } finally {
    await harness.close();
    server.close();
  }
  console.log(summary(moments));
  if (moments.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

await main();
