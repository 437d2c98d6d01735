/**
 * Small runs of the PyTorch twin (python/finetune), which the engine's trainer repeats from the files and the seed
 * alone.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import { leastArea, type ObjectLimit } from '../data/object-sizes.ts';
import { findObjects, IGNORED } from '../data/objects.ts';
import type { LabelMap } from '../data/types.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { SamModel } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { expectStep, openTwinModel, readTwinSets, type TwinRun } from '../testing/twin-run.ts';
import type { RunStorage } from './checkpoint.ts';
import type { GatesEvent, TrainEvent } from './events.ts';
import { Trainer } from './loop.ts';
import { learningRates } from './optimizer.ts';
import { localData } from './training-data.ts';
import type { TrainingSet } from './training-set.ts';

const folder = fileURLToPath(new URL('../../tests/vectors/twin/', import.meta.url));
const CASES = readdirSync(folder).flatMap((file) =>
  file.endsWith('.safetensors') ? [basename(file, '.safetensors')] : [],
);
const SETS = ['blobs', 'stripes'];
const TOLERANCE = { tensor: 1e-3, gate: 1e-4, iou: 2e-3 } as const;

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openTwinModel(gpu, folder);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

/** Keeps the checkpoint that ends a run. */
class LastCheckpoint implements RunStorage {
  private bytes: Uint8Array<ArrayBufferLike> = new Uint8Array();
  readCheckpoint = async () => null;
  writeCheckpoint: RunStorage['writeCheckpoint'] = async (bytes) => {
    this.bytes = bytes;
  };
  readBest = async () => null;
  writeBest = async () => undefined;

  /** The trained tensors in it, by name. */
  async weights(): Promise<Map<string, HostTensor>> {
    const tensors = await (await Safetensors.open(bytesSource('checkpoint', this.bytes))).readAll();
    const prefix = 'param.';
    return new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
      ),
    );
  }
}

/** A set of which the pixels of some values are ignored. */
function ignoring(set: TrainingSet, ignored: readonly number[], limit: ObjectLimit): TrainingSet {
  const without = (map: LabelMap): LabelMap => ({
    ...map,
    data: map.data.map((value) => (ignored.includes(value) ? IGNORED : value)),
  });
  const load: TrainingSet['load'] = async (name) => {
    const loaded = await set.load(name);
    if (!loaded.ok || !loaded.value.labelling) return loaded;
    const { image, labelling } = loaded.value;
    const { imageSize: size, preprocessing } = model.config;
    const least = leastArea(limit, image, { size, aspect: preprocessing.aspect });
    const labelMap = without(labelling.labelMap);
    // A class map of its own objects is 1 wherever they are.
    const classMap = { ...labelMap, data: labelMap.data.map((value) => Math.min(value, 1)) };
    const objects = findObjects(labelMap, labelling.rule, least);
    return { ok: true, value: { ...loaded.value, objects, labelling: { ...labelling, labelMap, classMap } } };
  };
  return { ...set, load };
}

/** The engine's run: its events, splits and last weights. */
async function repeat(run: TwinRun) {
  const config = parseTrainConfig(run.train);
  const { ignored = [] } = run;
  const whole = await readTwinSets(folder, SETS, model.config, config);
  const sets = ignored.length > 0 ? whole.map((set) => ignoring(set, ignored, config)) : whole;
  const events: TrainEvent[] = [];
  const storage = new LastCheckpoint();
  const trainer = await Trainer.open({
    gpu,
    model,
    mopeft: resolveMopeft(run.mopeft, model.config),
    config,
    data: localData(model.config, config, sets),
    storage,
    emit: (event) => events.push(event),
  });
  try {
    expect(await trainer.run()).toBe('finished');
  } finally {
    trainer.release();
  }
  const split = Object.fromEntries(sets.map((set) => [set.key, set.split]));
  return { config, events, split, last: await storage.weights() };
}

/**
 * A softmax does not see the bias of its keys, so their gradient is rounding alone, and AdamW makes steps of any size
 * up to the learning rate of it: all that can be held is that they are within these steps.
 */
const isUnseen = (name: string) => name.endsWith('k_proj.bias');

describe.each(CASES)('the run %s of the PyTorch twin', (name) => {
  it('is repeated by the engine: images, losses, gates, scores and weights', async () => {
    const run = JSON.parse(await readFile(`${folder}${name}.json`, 'utf8')) as TwinRun;
    const before = gpu.allocatedBytes;
    const { config, events, last, split } = await repeat(run);
    expect(gpu.allocatedBytes).toBe(before);
    expect(split).toEqual(run.split);

    const types = new Set<string>(['step', 'eval', 'gates', 'modules']);
    const got = events.filter(({ type }) => types.has(type));
    expect(got.map((event) => `${event.type} ${'step' in event ? event.step : ''}`)).toEqual(
      run.events.map(({ type, step }) => `${type} ${step}`),
    );
    for (const [i, want] of run.events.entries()) {
      const event = got[i];
      if (want.type === 'step' && event?.type === 'step') {
        expectStep(event, want);
      } else if (want.type === 'eval' && event?.type === 'eval') {
        expect({ ...event, box_iou: 0, click_iou: 0 }).toEqual({ ...want, box_iou: 0, click_iou: 0 });
        for (const part of ['box_iou', 'click_iou'] as const)
          expect(Math.abs(event[part] - want[part]), `${part} at ${want.step}`).toBeLessThan(TOLERANCE.iou);
      } else if (want.type === 'gates' && event?.type === 'gates') {
        expect(event.layers.map(Object.keys)).toEqual(want.layers.map(Object.keys));
        const flat = ({ layers }: GatesEvent) => layers.flatMap((layer) => Object.values(layer));
        expect(relativeError(flat(event), flat(want)), `gates at ${want.step}`).toBeLessThan(TOLERANCE.gate);
      } else if (want.type === 'modules' && event?.type === 'modules') {
        expect(event).toEqual(want);
      } else {
        throw new Error(`event ${i} is a ${event?.type}, not a ${want.type}`);
      }
    }

    const file = await Safetensors.open(bytesSource(name, await readFile(`${folder}${name}.safetensors`)));
    expect([...last.keys()].sort()).toEqual([...file.tensors.keys()].sort());
    const rates = Array.from({ length: config.steps }, (_, step) => learningRates(step, config).decoder);
    const furthest = 2 * rates.reduce((sum, rate) => sum + rate, 0);
    for (const [tensor, { data }] of last) {
      const { data: want } = await file.read(tensor);
      if (isUnseen(tensor)) {
        const apart = Math.max(...data.map((value, i) => Math.abs(value - (want[i] ?? Number.NaN))));
        expect(apart, tensor).toBeLessThan(furthest);
      } else {
        expect(relativeError(data, want), tensor).toBeLessThan(TOLERANCE.tensor);
      }
    }
  });
});
