/** Adapters with the engine's answers, which the Python package must give too: `tests/vectors/python`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readImage } from '../cli/read-image.ts';
import { windowAround } from '../data/crops.ts';
import type { Box } from '../data/types.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import { scaleOfAdapter } from '../engine/run/adapter-files.ts';
import { type Prompts, Segmenter, SegmentImage } from '../engine/segmenter.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { loadModel, type SamModel } from '../sam/weights.ts';
import type { GateLayer } from '../train/gates.ts';

const vectors = fileURLToPath(new URL('../../tests/vectors/', import.meta.url));
export const PYTHON_VECTORS = `${vectors}python/`;

/** The models of the cases: that of the twin's runs, and the TinyViT of a conformance set. */
const MODELS = {
  vit: { weights: 'twin/model/model.safetensors', config: 'twin/model/config.json' },
  tiny_vit: { weights: 'tiny_vit/tiny_vit.base.safetensors', config: 'tiny_vit/tiny_vit.json' },
} as const;
export type PythonModel = keyof typeof MODELS;

export async function openPythonModel(gpu: Gpu, name: PythonModel): Promise<SamModel> {
  const { weights, config } = MODELS[name];
  return loadModel(
    gpu,
    await openCheckpoint({
      weights: [bytesSource('model.safetensors', await readFile(vectors + weights))],
      config: { name: 'config.json', text: await readFile(vectors + config, 'utf8') },
    }),
  );
}

/** What is asked of every case, in pixels of `image/image.png`, 118 × 77. */
const PYTHON_PROMPTS: Readonly<Record<'click' | 'box', Prompts>> = {
  click: { points: [{ x: 50, y: 30.5, positive: true }], box: null, previous: null },
  box: {
    points: [{ x: 40, y: 60, positive: false }],
    box: { x0: 20.5, y0: 10, x1: 80, y1: 66 },
    previous: null,
  },
};
/** The smallest boxes around them. */
const EXTENTS: Readonly<Record<'click' | 'box', Box>> = { click: [50, 30, 50, 31], box: [20, 10, 80, 66] };

/** An answer as the file has it. */
interface PythonAnswer {
  readonly token: number;
  readonly iou: number;
}

export interface PythonAnswers {
  readonly gates: readonly GateLayer[];
  readonly click: PythonAnswer;
  readonly box: PythonAnswer;
  /** Runs of the click's mask, row by row from the top left: background first, then by turns. */
  readonly runs: readonly number[];
  /** Low-resolution logits of the first answers. */
  readonly logits: Readonly<Record<'click' | 'box', Float32Array>>;
}

/** What the engine answers with an adapter. @param dataset index of the one that is meant. */
export async function answersOf(
  gpu: Gpu,
  model: SamModel,
  adapter: Adapter,
  dataset = 0,
): Promise<PythonAnswers> {
  const image = await readImage(`${vectors}image/image.png`);
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const weights = { key: 'adapter', tuning: async () => ({ ...adapter, dataset }) };
  const scale = scaleOfAdapter(adapter);
  const ask = async (name: 'click' | 'box') => {
    const region = scale === 'whole' ? undefined : windowAround(EXTENTS[name], scale, image);
    const seen = new SegmentImage('image', image, region);
    const [best] = await segmenter.predict(seen, weights, PYTHON_PROMPTS[name]);
    if (!best) throw new RangeError('no answer');
    const { gates } = await segmenter.embed(seen, weights);
    return { ...best, gates };
  };
  const click = await ask('click');
  const box = await ask('box');
  await segmenter.release();
  const written = ({ token, predictedIou: iou }: typeof click): PythonAnswer => ({ token, iou });
  return {
    gates: click.gates ?? [],
    click: written(click),
    box: written(box),
    runs: runsOf(click.mask),
    logits: { click: click.lowRes, box: box.lowRes },
  };
}

function runsOf(mask: Uint8Array): number[] {
  const runs = [0];
  let value = 0;
  for (const pixel of mask) {
    if (pixel !== value) {
      runs.push(0);
      value = pixel;
    }
    runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
  }
  return runs;
}
