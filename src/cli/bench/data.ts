import { Random } from '../../config/random.ts';
import { lowResOf, type SamConfig } from '../../config/sam.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { loadSample } from '../../data/dataset.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { threadData } from '../../train/data-port.ts';
import { evaluateSetAt } from '../../train/evaluate.ts';
import { evaluationImage } from '../../train/evaluation-image.ts';
import { ImageCache } from '../../train/image-cache.ts';
import type { MaskPredictor } from '../../train/mask-predictor.ts';
import { MASK_THRESHOLDS } from '../../train/mask-threshold.ts';
import { VALIDATION_SIDE } from '../../train/measured-size.ts';
import { prepareImage } from '../../train/prepare.ts';
import { CACHE_BYTES, PrefetchedBatches } from '../../train/training-data.ts';
import { openDataThread } from '../open-data-thread.ts';
import { drawImage, encodeAll, samplesOf } from './data-images.ts';

/** The case's name on the command line. */
export const DATA = 'data';

const MEGAPIXELS = [0.3, 2, 12, 40];
/** SAM ViT-B at 1024², the largest input that a model of today has. */
const SAM: SamConfig = parseSamConfig({ vision_config: {} }, 'SAM ViT-B');
const TRAIN = parseTrainConfig({ minArea: 0 });
const STEP_MS = 400;
const STEPS = 6;
const IMAGES = 4;
/** Their crops differ in size, and the first are slower, until the loops are compiled. */
const PREPARED = 60;
const WARM = 7;

/** What the data of one kind of file take, milliseconds: the median of the runs; waits by the clock. */
export interface DataTimes {
  readonly what: string;
  /** Image and mask from their files, with the objects found. */
  readonly decode: number;
  /** Augmentation, the model's input, targets and prompts, from the decoded image that is kept. */
  readonly prepare: number;
  /** The model's input of a whole image, and where to click its objects. */
  readonly view: number;
  /** The host's work for a mask of a validation (nine thresholds), decoding and the view not counted. */
  readonly validate: number;
  /** The same for a test (one threshold). */
  readonly test: number;
  /** What a step of 400 ms waits for its three images: in the first epoch, and later, the longest. */
  readonly firstWait: number;
  readonly laterWait: number;
  /** The data thread's work for the three images of a later step. */
  readonly batch: number;
}

/** Times the data of steps and evaluations, without a model. */
export async function timeData(onDone: (times: DataTimes) => void): Promise<readonly DataTimes[]> {
  const all: DataTimes[] = [];
  for (const megapixels of MEGAPIXELS) {
    const drawn = drawImage(megapixels);
    const files = await encodeAll(drawn);
    const { width, height } = drawn.image;
    for (const format of ['jpg', 'png'] as const) {
      const samples = samplesOf(files[format], format, files.mask, IMAGES);
      const times = await timeSamples(`${megapixels} MP (${width} × ${height}) ${format}`, samples);
      all.push(times);
      onDone(times);
    }
  }
  return all;
}

async function timeSamples(what: string, samples: ReturnType<typeof samplesOf>): Promise<DataTimes> {
  const [sample] = samples;
  if (!sample) throw new RangeError('there is no sample');
  const decode = await median(3, () => loadSample(sample));
  const loaded = await loadSample(sample);
  if (!loaded.ok) throw new RangeError(loaded.refusal.reason);
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const cache = new ImageCache(SAM, TRAIN, CACHE_BYTES);
  const set = { key: 'a', name: 'a', split: { train: [], val: [], test: [] }, load: async () => loaded };
  const prepareOne = async () => {
    const kept = await cache.load(set, sample.name);
    if (kept.ok && kept.value) prepareImage(kept.value, SAM, TRAIN, random, 0);
  };
  for (let i = 0; i < PREPARED; i++) await prepareOne();
  const prepare = await median(PREPARED, prepareOne);
  const options = { maxObjects: TRAIN.evalObjects };
  const open = (size: { readonly mostPixels?: number } = {}) =>
    evaluationImage(loaded.value, SAM, 'whole', { ...options, ...size });
  const view = await median(WARM, () => open().view(0));
  const seen = await open().view(0);
  const evaluate = (thresholds: readonly number[], size?: { readonly mostPixels?: number }) =>
    median(WARM, async () => {
      const image = { ...open(size), view: async () => seen };
      await evaluateSetAt(
        new Instant(),
        { key: 'a', open: async () => ({ ok: true, value: image }) },
        ['a'],
        thresholds,
        { ...options, maxImages: 0 },
      );
    });
  // An object is asked for by box and by click.
  const masks = 2 * seen.objects.length;
  const validate = (await evaluate(MASK_THRESHOLDS, { mostPixels: VALIDATION_SIDE })) / masks;
  const test = (await evaluate([0])) / masks;
  return { what, decode, prepare, view, validate, test, ...(await timeWaits(samples)) };
}

/** Takes steps that only wait. */
async function timeWaits(samples: ReturnType<typeof samplesOf>) {
  const names = samples.map(({ name }) => name);
  const split = { train: names, val: [], test: [] };
  const data = await threadData(openDataThread(), {
    sam: SAM,
    config: TRAIN,
    sets: [{ key: 'a', split, dataset: { name: 'a', samples } }],
    cacheBytes: CACHE_BYTES,
  });
  const batches = await PrefetchedBatches.open(data, null);
  const waits: number[] = [];
  const work: number[] = [];
  let cpu = process.cpuUsage();
  for (let step = 0; step < STEPS; step++) {
    const start = performance.now();
    await batches.next(step + 1 === STEPS);
    waits.push(performance.now() - start);
    // From here on the thread works for the next step.
    const { user, system } = process.cpuUsage(cpu);
    work.push((user + system) / 1000);
    cpu = process.cpuUsage();
    await new Promise((resume) => setTimeout(resume, STEP_MS));
  }
  data.close();
  const epoch = Math.ceil(IMAGES / TRAIN.imagesPerStep);
  return {
    firstWait: Math.max(...waits.slice(0, epoch)),
    laterWait: Math.max(...waits.slice(epoch)),
    batch: middle(work.slice(epoch)),
  };
}

/** A model that takes no time: every mask is half foreground. */
class Instant implements MaskPredictor {
  readonly sam = SAM;
  private readonly mask = Float32Array.from({ length: lowResOf(SAM) ** 2 }, (_, i) => (i % 2 === 0 ? 3 : -3));
  ask = () => undefined;
  encode = async () => undefined;
  gates = async () => [];
  decode: MaskPredictor['decode'] = async (prompts) =>
    prompts.map(() => ({ masks: [this.mask, this.mask, this.mask, this.mask], iou: [0.9, 0.8, 0.7, 0.6] }));
}

/**
 * The clock's time or the process's on the processor, whichever is less: other work on the machine lengthens the one,
 * other threads of this process, such as those that compile, the other.
 */
async function median(runs: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const [begun, start] = [performance.now(), process.cpuUsage()];
    await work();
    const clock = performance.now() - begun;
    const { user, system } = process.cpuUsage(start);
    times.push(Math.min(clock, (user + system) / 1000));
  }
  return middle(times);
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** One line of text. */
export function describeData({
  what,
  decode,
  prepare,
  view,
  validate,
  test,
  firstWait,
  laterWait,
  batch,
}: DataTimes): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  return [
    `  ${what.padEnd(26)} decode ${ms(decode)}, prepare ${ms(prepare)}, view ${ms(view)}`,
    `a mask: validation ${ms(validate)}, test ${ms(test)}`,
    `a step waits ${ms(firstWait)} in the first epoch, then ${ms(laterWait)} at most, for ${ms(batch)} of work`,
  ].join('; ');
}
