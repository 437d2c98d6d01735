/** Measures once on an adapter which of several equal kernels suit it, and keeps that. */
import * as v from 'valibot';
import type { FileStore } from '../data/file-store.ts';
import type { Dispatch } from '../gpu/dispatch.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { PassTimer } from '../gpu/profile.ts';
import type { KernelChoice } from '../gpu/traits.ts';
import { Executable, Pool } from '../graph/executable.ts';
import { Graph } from '../graph/graph.ts';
import { planGraph } from '../graph/plan.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { TILES, workgroupsOf } from '../ops/matmul/tiles.ts';

/** Where choices are kept, in the studio's storage and in the user's cache folder. */
export const CHOICES_FILE = 'kernel-choices.json';

/** Counts changes of kernels after which an adapter is to be measured again. */
const KERNELS = 1;

const ChoiceSchema = v.object({ wideProductsFrom: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });
const ChoicesSchema = v.object({ kernels: v.literal(KERNELS), adapters: v.record(v.string(), ChoiceSchema) });
type Choices = v.InferOutput<typeof ChoicesSchema>;

/** Runs groups of dispatches one after the other; microseconds of each. */
type TimeGroups = (groups: readonly (readonly Dispatch[])[]) => Promise<number[]>;

/**
 * Lets the device choose its kernels as was measured on its adapter: reads the choice, or measures it in less than a second
 * and keeps it. Software adapters and those with few registers have nothing to choose. What cannot be kept is measured again the next time; where
 * nothing can be measured, the shape alone chooses.
 * @param time stands in for the device's clock in tests.
 */
export async function chooseKernels(gpu: Gpu, store: FileStore, time?: TimeGroups): Promise<void> {
  if (gpu.traits.isSoftware || gpu.traits.hasFewRegisters) return;
  const key = adapterKey(gpu.info);
  const known = await readChoices(store);
  const kept = known.adapters[key];
  const kernels = kept ?? (await measure(gpu, time).catch(() => null));
  if (!kernels) return;
  gpu.traits = { ...gpu.traits, kernels };
  if (kept) return;
  const choices: Choices = { ...known, adapters: { ...known.adapters, [key]: kernels } };
  const bytes = new TextEncoder().encode(`${JSON.stringify(choices, null, 2)}\n`);
  await store.write(CHOICES_FILE, bytes).catch(() => undefined);
}

function adapterKey({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].join(' | ');
}

/** What was kept; nothing where the file is missing, damaged, or of other kernels. */
async function readChoices(store: FileStore): Promise<Choices> {
  const none: Choices = { kernels: KERNELS, adapters: {} };
  try {
    const text = new TextDecoder().decode(await store.read(CHOICES_FILE));
    const parsed = v.safeParse(ChoicesSchema, JSON.parse(text));
    return parsed.success ? parsed.output : none;
  } catch {
    return none;
  }
}

/** Products of [side, depth] · [side, depth]ᵀ: 1 to 4 GFLOP. */
const PRODUCTS = [
  { side: 1024, depth: 256 },
  { side: 2048, depth: 256 },
  { side: 4096, depth: 128 },
] as const;
/** Microseconds that a product is repeated for, at least: browsers tell time in tenths of a millisecond. */
const LEAST = 3000;
const MOST_REPEATS = 64;
const TURNS = 3;
/** Microseconds after which no further size is measured: a slow GPU is busy with few tiles. */
const BUDGET = 500_000;
/** The wide tile must be so much faster to be taken. */
const GAIN = 0.97;

async function measure(gpu: Gpu, time?: TimeGroups): Promise<KernelChoice> {
  const timer = time ? null : new PassTimer(gpu.device);
  let spent = 0;
  const timed: TimeGroups = async (groups) => {
    const times = await (timer ? timer.time(groups) : (time?.(groups) ?? []));
    spent += times.reduce((sum, each) => sum + each, 0);
    return times;
  };
  const wins: { readonly squares: number; readonly isWide: boolean }[] = [];
  try {
    for (const product of PRODUCTS) {
      if (spent > BUDGET) break;
      wins.push(await compare(gpu, product, timed));
    }
  } finally {
    timer?.release();
  }
  // From where the wide tile is faster at every size that follows.
  const last = wins.findLastIndex(({ isWide }) => !isWide);
  return { wideProductsFrom: wins[last + 1]?.squares ?? Number.MAX_SAFE_INTEGER };
}

/** Both tiles in turns on one product. @throws Failure `gpu/…`. */
async function compare(gpu: Gpu, { side, depth }: (typeof PRODUCTS)[number], time: TimeGroups) {
  const plans = [0, Number.MAX_SAFE_INTEGER].map((wideProductsFrom) => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [side, depth]), graph.input('b', [side, depth])];
    graph.output('out', matmul(a, b, { bT: true }));
    return planGraph(graph, { ...gpu.traits, kernels: { wideProductsFrom } });
  });
  const pool = Pool.allocate(gpu, plans, 'kernel choice');
  const buffer = gpu.allocate(4 * side * depth, 'kernel choice');
  const range = { buffer, offset: 0, size: buffer.size };
  try {
    const executables = await Promise.all(
      plans.map((plan) => Executable.create(gpu, plan, pool, () => range)),
    );
    const once = executables.map(({ commands }) => commands);
    const shortest = Math.min(...(await time(once)));
    const repeats = Math.min(MOST_REPEATS, Math.ceil(LEAST / Math.max(1, shortest)));
    const groups = once.map((commands) => Array.from({ length: repeats }, () => commands).flat());
    const best = groups.map(() => Number.POSITIVE_INFINITY);
    for (let turn = 0; turn < TURNS; turn++) {
      const times = await time(groups);
      for (const [i, each] of times.entries()) best[i] = Math.min(best[i] ?? each, each);
    }
    // What the device refused, it has not computed in no time.
    await gpu.idle();
    const [wide = Number.POSITIVE_INFINITY, square = 0] = best;
    const problem = { batch: 1, M: side, N: side, K: depth, aT: false, bT: true };
    return { squares: workgroupsOf(problem, TILES.square), isWide: wide < GAIN * square };
  } finally {
    pool.release();
    gpu.release(buffer);
  }
}
