/**
 * `npm run bench -- [NAME…] [--json FILE] [--alone] [--runs N]`: our kernels against jax-js and TensorFlow.js in one
 * Chromium, see docs/measurements/bench.md. Exit status 1 when a value is wrong or a run allocates. `npm run bench --
 * data` times images and masks instead, see docs/measurements/data.md, `npm run bench -- step` a training step, and
 * `npm run bench -- gpu` all that is worth knowing of a GPU.
 */
import { writeFile } from 'node:fs/promises';
import { chromium } from '@playwright/test';
import { findChromium } from '../../../scripts/toolchain/chromium.mjs';
import { numberFlag, readArguments, readFlags, wrongArguments } from '../arguments.ts';
import { runProgram } from '../program.ts';
import { installPeers, servePage } from './build-page.ts';
import { DATA, describeData, timeData } from './data.ts';
import { describeFirstMask, FIRST_MASK, timeFirstMask } from './first-mask.ts';
import { benchGpu, GPU, GPU_USAGE } from './gpu/script.ts';
import type { BenchPage } from './page/page.ts';
import { type BenchReport, type CaseReport, describeCase, isRight } from './report.ts';
import { benchStep, STEP, STEP_USAGE } from './step.ts';

const USAGE = `  npm run bench -- [NAME…] [--json FILE] [--alone] [--runs N]
  npm run bench -- data [--json FILE]
${STEP_USAGE}
${GPU_USAGE}`;
const FLAGS = {
  json: { type: 'string' },
  alone: { type: 'boolean', default: false },
  runs: { type: 'string' },
} as const;
const RUNS = 5;
/** A contender that has taken this long over a case is not asked again. */
const MOST_MS = 60_000;

declare global {
  var benchPage: BenchPage;
}

/** Benches that run in Node, each with flags of its own. */
const IN_NODE: ReadonlyMap<string, (args: readonly string[]) => Promise<number>> = new Map([
  [DATA, benchData],
  [STEP, benchStep],
  [GPU, benchGpu],
]);

async function bench(args: readonly string[]): Promise<number> {
  const [name = '', ...others] = args;
  const inNode = IN_NODE.get(name);
  if (inNode) return inNode(others);
  const { values, positionals } = readArguments(args, FLAGS, USAGE);
  const alone = positionals.find((each) => IN_NODE.has(each));
  if (alone) throw wrongArguments(`"${alone}" needs no browser; ask for it alone`, USAGE);
  const runs = numberFlag(values.runs, 'runs', USAGE, { min: 1, integer: true }) ?? RUNS;
  if (!values.alone) await installPeers();
  const { url, server } = await servePage(!values.alone);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(url);
    await page.waitForFunction(() => globalThis.benchPage !== undefined);
    const known = [...(await page.evaluate(() => globalThis.benchPage.names)), FIRST_MASK];
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw wrongArguments(`There is no case "${unknown}"; cases are ${known.join(', ')}`, USAGE);
    const adapter = await page.evaluate(() => globalThis.benchPage.adapterName());
    console.log(`Adapter: ${adapter}; Chromium ${browser.version()}\n`);
    const asked = positionals.length > 0 ? positionals : known;
    const cases: CaseReport[] = [];
    for (const name of asked) {
      if (name === FIRST_MASK) continue;
      const request = { name, runs, mostMs: MOST_MS, withPeers: !values.alone };
      const report = await page.evaluate((one) => globalThis.benchPage.bench(one), request);
      cases.push(report);
      console.log(`${describeCase(report)}\n`);
    }
    console.log(describeRatio(cases));
    const firstMask = asked.includes(FIRST_MASK) ? await timeFirstMask(browser) : [];
    if (firstMask.length > 0) console.log(describeFirstMask(firstMask));
    const report: BenchReport = { adapter, browser: `Chromium ${browser.version()}`, cases, firstMask };
    if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    return cases.every(isRight) ? 0 : 1;
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Times the data, in this process. */
async function benchData(args: readonly string[]): Promise<number> {
  const { json } = readFlags(args, { json: { type: 'string' } }, USAGE);
  const times = await timeData((each) => console.log(describeData(each)));
  if (json) await writeFile(json, `${JSON.stringify(times, null, 2)}\n`);
  return 0;
}

/** What MoPEFT costs beside the frozen block, the two timed in turns. */
function describeRatio(cases: readonly CaseReport[]): string {
  const [tuned, frozen] = cases.find(({ name }) => name === 'block-mopeft')?.timings ?? [];
  if (!tuned || !frozen) return '';
  return `The block with MoPEFT takes ${(tuned.ms / frozen.ms).toFixed(2)} times the frozen one, forward and backward.`;
}

function launch() {
  const found = findChromium();
  // As the journeys do: the software adapter, unless a person says that there is a GPU.
  const adapter = process.env.MOPEFT_GPU ? [] : ['--use-webgpu-adapter=swiftshader'];
  return chromium.launch({
    args: ['--no-sandbox', '--enable-unsafe-webgpu', ...adapter],
    ...(found ? { executablePath: found } : {}),
  });
}

runProgram(bench);
