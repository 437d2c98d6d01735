/**
 * Adapters of every method and gate form with the engine's answers, for the Python package. `WRITE_VECTORS=1` writes
 * `tests/vectors/python/engine` anew.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftRequest } from '../../config/mopeft.ts';
import type { PreprocessingRecord } from '../../config/sam.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { sizeOf } from '../../graph/shape.ts';
import { type Adapter, readAdapterFiles, writeAdapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors } from '../../peft/tensors.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import type { SamModel } from '../../sam/weights.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import {
  answersOf,
  openPythonModel,
  PYTHON_VECTORS,
  type PythonAnswers,
  type PythonModel,
} from '../../testing/python-vectors.ts';
import { normals } from '../../testing/random.ts';

interface Case {
  readonly model?: PythonModel;
  readonly request: MopeftRequest;
  readonly pruned?: Readonly<Record<string, readonly number[]>>;
  readonly preprocessing?: PreprocessingRecord;
  readonly scale?: number;
  readonly dataset?: number;
}

const THREE = ['lora', 'prefix', 'adapter'];
const SMALL = {
  lora: { rank: 1 },
  prefix: { length: 2 },
  adapter: { bottleneck: 1 },
  conv_pass: { bottleneck: 1 },
  adaptformer: { bottleneck: 1 },
};
const of = (methods: readonly string[], more: Partial<MopeftRequest> = {}): MopeftRequest => ({
  methods,
  trainDecoder: false,
  settings: Object.fromEntries(
    methods.flatMap((id) => (id in SMALL ? [[id, SMALL[id as keyof typeof SMALL]]] : [])),
  ),
  ...more,
});
const SETS = ['cells', 'größe 2'];

const CASES: Readonly<Record<string, Case>> = {
  lora: {
    request: of(['lora'], { settings: { lora: { rank: 2, alpha: 3.5, targets: 'all' } }, blocks: [1] }),
  },
  prefix: { request: of(['prefix']) },
  adapter: { request: of(['adapter'], { settings: { adapter: { bottleneck: 3, activation: 'relu' } } }) },
  bias_norm: { request: of(['bias_norm']) },
  conv_pass: { request: of(['conv_pass']) },
  adaptformer: { request: of(['adaptformer']) },
  full: { model: 'tiny_vit', request: of(['full'], { settings: { full: { first: 0 } }, blocks: [0] }) },
  ssf: { request: of(['ssf']) },
  ia3: { request: of(['ia3']) },
  unipelt: { request: of(THREE) },
  mass: { request: of(THREE, { gate: 'mass', blocks: 'late' }) },
  task: { request: of(THREE, { gate: 'task', token: true, datasets: SETS }), dataset: 1 },
  token: { request: of(['lora'], { token: true, datasets: SETS, blocks: [1] }), dataset: 1 },
  budget: { request: of(THREE, { gate: 'budget', budget: 0.5 }), pruned: { lora: [0, 2], prefix: [1] } },
  hard: { request: of(['lora', 'prefix'], { gate: 'hard', budget: 0.5 }), pruned: { lora: [1] } },
  all: {
    request: of(['lora', 'prefix', 'adapter', 'bias_norm', 'conv_pass', 'adaptformer', 'ssf', 'ia3'], {
      blocks: [1],
    }),
  },
  min_max: {
    request: of(['ia3']),
    preprocessing: { aspect: 'stretch', normalisation: { kind: 'min-max' } },
  },
  crops: { request: of(['lora'], { blocks: [2] }), scale: 48 },
  tiny_vit: { model: 'tiny_vit', request: of(THREE) },
  tiny_vit_mass: {
    model: 'tiny_vit',
    request: of(['bias_norm', 'ssf', 'prefix'], { gate: 'mass', blocks: [0, 3] }),
  },
  tiny_vit_all: {
    model: 'tiny_vit',
    request: of(['lora', 'full'], {
      settings: { lora: { rank: 2, targets: 'all' }, full: { first: 0 } },
      blocks: [0],
    }),
  },
};

const isWriting = process.env.WRITE_VECTORS === '1';
const folder = `${PYTHON_VECTORS}engine/`;
/** Of logits, every n-th is stored. */
const EVERY = 16;

let gpu: Gpu;
const models = new Map<PythonModel, SamModel>();
const found = new Map<string, PythonAnswers>();
beforeAll(async () => {
  gpu = await openTestGpu();
  for (const name of ['vit', 'tiny_vit'] as const) models.set(name, await openPythonModel(gpu, name));
  if (isWriting) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  }
});
afterAll(async () => {
  if (isWriting) await writeAnswers();
  for (const model of models.values()) model.weights.release();
  gpu?.destroy();
});

describe('adapters for Python', () => {
  it.each(Object.entries(CASES))('%s is answered as its vector says', async (name, given) => {
    const model = models.get(given.model ?? 'vit');
    if (!model) throw new RangeError('no model');
    if (isWriting) await writeFile(`${folder}${name}.safetensors`, await drawn(given, model, name));
    const safetensors = new Uint8Array(await readFile(`${folder}${name}.safetensors`));
    const adapter = await readAdapterFiles(model, { json: '', safetensors });
    const answers = await answersOf(gpu, model, adapter, given.dataset);
    found.set(name, answers);
    if (isWriting) return;
    const want = await stored(name);
    expect(answers.runs).toEqual(want.answers.runs);
    for (const prompt of ['click', 'box'] as const) {
      expect(answers[prompt].token).toBe(want.answers[prompt].token);
      expect(relativeError(everyOf(answers.logits[prompt]), want.logits[prompt])).toBeLessThan(1e-5);
    }
  });
});

/** An adapter of random values whose mask threshold is such that half of a mask is foreground. */
async function drawn(given: Case, model: SamModel, name: string): Promise<Uint8Array> {
  const { request, pruned, scale, preprocessing = model.config.preprocessing, dataset } = given;
  const resolved = resolveMopeft(request, model.config);
  const mopeft = pruned ? { ...resolved, pruned } : resolved;
  const tensors = new Map(
    moduleTensors(mopeft, model.config).map(({ name: tensor, shape }, i) => {
      const values = Float32Array.from(normals(sizeOf(shape), 1000 * name.length + i), (v) => 0.3 * v);
      // A gate of budget is open, one of hard is where its alpha is above 0.
      const data = tensor.endsWith('.open')
        ? values.fill(1)
        : tensor.endsWith('.alpha')
          ? values.map(Math.abs)
          : values;
      return [tensor, { shape, data }];
    }),
  );
  const training = scale === undefined ? {} : { scale };
  const adapter: Adapter = { mopeft, tensors, preprocessing, maskThreshold: 0, training };
  const { logits } = await answersOf(gpu, model, adapter, dataset);
  const sorted = [...logits.click].sort((a, b) => a - b);
  const maskThreshold = Number((sorted[sorted.length / 2] ?? 0).toFixed(2));
  const base = { name: model.name, hash: model.hash, config: { preprocessing } };
  return writeAdapter(base, { ...adapter, maskThreshold }).safetensors;
}

const everyOf = (logits: Float32Array) => logits.filter((_, i) => i % EVERY === 0);

async function writeAnswers(): Promise<void> {
  const answers = Object.fromEntries(
    [...found].map(([name, { logits: _, ...rest }]) => {
      const { model = 'vit', dataset } = CASES[name] as Case;
      const asked = dataset === undefined ? {} : { dataset: SETS[dataset] };
      return [name, { model, ...asked, ...rest }];
    }),
  );
  await writeFile(`${folder}answers.json`, `${JSON.stringify(answers)}\n`);
  const tensors = new Map(
    [...found].flatMap(([name, { logits }]) =>
      (['click', 'box'] as const).map((prompt) => {
        const data = everyOf(logits[prompt]);
        return [`${name}.${prompt}.every.${EVERY}`, { shape: [data.length], data }] as const;
      }),
    ),
  );
  await writeFile(`${folder}logits.safetensors`, writeSafetensors(tensors, {}));
}

async function stored(name: string) {
  const all = JSON.parse(await readFile(`${folder}answers.json`, 'utf8')) as Record<string, PythonAnswers>;
  const file = await Safetensors.open(
    bytesSource('logits.safetensors', await readFile(`${folder}logits.safetensors`)),
  );
  const logits = async (prompt: string) => (await file.read(`${name}.${prompt}.every.${EVERY}`)).data;
  return {
    answers: all[name] as PythonAnswers,
    logits: { click: await logits('click'), box: await logits('box') },
  };
}
