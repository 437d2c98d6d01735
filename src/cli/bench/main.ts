/**
 * `npm run bench -- [NAME…] [--json FILE] [--alone] [--runs N]`: our kernels against jax-js and TensorFlow.js in one
 * Chromium, or with `--against DIR` against another checkout; see docs/measurements/bench.md. Exit status 1 when a value is wrong or a run allocates. `npm run bench --
 * data` times images and masks instead, see docs/measurements/data.md, `npm run bench -- step` a training step,
 * `npm run bench -- growth` how it grows, and `npm run bench -- gpu` all that is worth knowing of a GPU.
 */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Browser, chromium } from '@playwright/test';
import { findChromium } from '../../../scripts/toolchain/chromium.mjs';
import { numberFlag, readArguments, readFlags, wrongArguments } from '../arguments.ts';
import { runProgram } from '../program.ts';
import { type AgainstLine, benchAgainst, describeAgainst, firstMaskAgainst } from './against.ts';
import { installPeers, servePage } from './build-page.ts';
import { DATA, describeData, timeData } from './data.ts';
import { describeFirstMask, FIRST_MASK, timeFirstMask } from './first-mask.ts';
import { benchGpu, GPU, GPU_USAGE } from './gpu/script.ts';
import { benchGrowth, GROWTH, GROWTH_USAGE } from './growth.ts';
import type { BenchPage } from './page/page.ts';
import { type BenchReport, type CaseReport, describeCase, isRight } from './report.ts';
import { benchStep, STEP, STEP_USAGE } from './step.ts';

const USAGE = `  npm run bench -- [NAME…] [--json FILE] [--alone] [--runs N]
  npm run bench -- [NAME…] --against DIR [--json FILE] [--runs N]
  npm run bench -- data [--json FILE]
${STEP_USAGE}
${GROWTH_USAGE}
${GPU_USAGE}`;
const FLAGS = {
  json: { type: 'string' },
  alone: { type: 'boolean', default: false },
  against: { type: 'string' },
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
  [GROWTH, benchGrowth],
  [GPU, benchGpu],
]);

async function bench(args: readonly string[]): Promise<number> {
  const [name = '', ...others] = args;
  const inNode = IN_NODE.get(name);
  if (inNode) return inNode(others);
  const { values, positionals } = readArguments(args, FLAGS, USAGE);
  const alone = positionals.find((each) => IN_NODE.has(each));
  if (alone) throw wrongArguments(`"${alone}" needs no browser`, 'Ask for it alone', USAGE);
  const runs = numberFlag(values.runs, 'runs', USAGE, { min: 1, integer: true }) ?? RUNS;
  const against = values.against === undefined ? null : resolve(values.against);
  const withPeers = !values.alone && against === null;
  if (withPeers) await installPeers();
  const { url, server } = await servePage(withPeers);
  const other = against === null ? null : await servePage(false, against);
  const browser = await launch();
  try {
    const processorSeconds = await processorClock(browser);
    const page = await openPage(browser, url, processorSeconds);
    const known = [...(await page.evaluate(() => globalThis.benchPage.names)), FIRST_MASK];
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw wrongArguments(`There is no case "${unknown}"`, `Cases are ${known.join(', ')}`, USAGE);
    const adapter = await page.evaluate(() => globalThis.benchPage.adapterName());
    console.log(`Adapter: ${adapter}; Chromium ${browser.version()}\n`);
    const asked = positionals.length > 0 ? positionals : known;
    if (against !== null && other) {
      const theirs = await openPage(browser, other.url, processorSeconds);
      const shared = new Set(await theirs.evaluate(() => globalThis.benchPage.names));
      const lines: AgainstLine[] = [];
      for (const name of asked) {
        const found = shared.has(name)
          ? [await benchAgainst({ ours: page, other: theirs }, { name, mostMs: MOST_MS }, runs)]
          : name === FIRST_MASK
            ? await firstMaskAgainst(browser, processorSeconds, against, runs)
            : [];
        for (const line of found) console.log(describeAgainst(line));
        lines.push(...found);
      }
      if (values.json) await writeFile(values.json, `${JSON.stringify(lines, null, 2)}\n`);
      return 0;
    }
    const cases: CaseReport[] = [];
    for (const name of asked) {
      if (name === FIRST_MASK) continue;
      const request = { name, runs, mostMs: MOST_MS, withPeers };
      const report = await page.evaluate((one) => globalThis.benchPage.bench(one), request);
      cases.push(report);
      console.log(`${describeCase(report)}\n`);
    }
    console.log(describeRatios(cases));
    const firstMask = asked.includes(FIRST_MASK) ? await timeFirstMask(browser, processorSeconds) : [];
    if (firstMask.length > 0) console.log(describeFirstMask(firstMask));
    const report: BenchReport = { adapter, browser: `Chromium ${browser.version()}`, cases, firstMask };
    if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    return cases.every(isRight) ? 0 : 1;
  } finally {
    await browser.close();
    await server.close();
    await other?.server.close();
  }
}

/** Opens the page of a bench. */
async function openPage(browser: Browser, url: string, processorSeconds: () => Promise<number>) {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  page.on('pageerror', (error) => console.error(error.message));
  await page.exposeFunction('processorSeconds', processorSeconds);
  await page.goto(url);
  await page.waitForFunction(() => globalThis.benchPage !== undefined);
  return page;
}

/** Times the data, in this process. */
async function benchData(args: readonly string[]): Promise<number> {
  const { json } = readFlags(args, { json: { type: 'string' } }, USAGE);
  const times = await timeData((each) => console.log(describeData(each)));
  if (json) await writeFile(json, `${JSON.stringify(times, null, 2)}\n`);
  return 0;
}

/** What MoPEFT costs beside the frozen block, and its gates beside the same block without, each two timed in turns. */
function describeRatios(cases: readonly CaseReport[]): string {
  const lineOf = (name: string, what: string, isInverse: boolean) => {
    const [own, other] = cases.find((each) => each.name === name)?.timings ?? [];
    if (!own || !other) return [];
    const [more, less] = isInverse ? [other, own] : [own, other];
    const byClock = (more.ms / less.ms).toFixed(2);
    return [
      `${what} ${byClock} times, ${(more.processorMs / less.processorMs).toFixed(2)} by the processor.`,
    ];
  };
  return [
    ...lineOf('block-mopeft', 'The block with MoPEFT takes, beside the frozen one,', false),
    ...lineOf('block-ungated', 'The block with MoPEFT takes, beside the same without gates,', true),
  ].join('\n');
}

/** A function that gives the processor time of all processes of a browser so far, seconds. */
async function processorClock(browser: Browser): Promise<() => Promise<number>> {
  const session = await browser.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
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

// `--json` names a file here.
runProgram(bench, () => false);
