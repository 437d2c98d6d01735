import type { MopeftConfig } from '../../config/mopeft.ts';
import { gridOf, type SamConfig } from '../../config/sam.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { sitesOf } from '../../sam/encoder.ts';
import type { SamModel } from '../../sam/weights.ts';
import { planShapes } from '../../train/plan-training.ts';
import { TrainingStep } from '../../train/step.ts';
import { type CasePass, casePasses } from './case-passes.ts';
import { compare, type PartReport, TOLERANCE } from './report.ts';
import type { CaseDescription, SetDescription } from './set.ts';
import { toChannelsFirst, type Vectors } from './vectors.ts';

/**
 * Compares one training step with `NAME.CASE.safetensors`: masks, losses, gates and gradients of one batch, then AdamW
 * with the gradients of the file. A tensor of the file for which nothing was computed fails.
 * @param forward `NAME.forward.safetensors`, which has the images; @param vectors the case's own file.
 */
export async function checkCase(
  gpu: Gpu,
  model: SamModel,
  set: SetDescription,
  { name, ...description }: CaseDescription & { readonly name: string },
  forward: Vectors,
  vectors: Vectors,
): Promise<PartReport> {
  const passes = casePasses(model.config, set.batch, description, forward, vectors);
  const mopeft = caseConfig(model.config, set, description, vectors);
  const plans = planShapes(
    model.config,
    mopeft,
    passes.map(({ shape }) => shape),
    gpu,
  );
  const step = await TrainingStep.create(gpu, model, plans);
  try {
    const computed = new Map<string, ArrayLike<number>>([
      ...(await forwardAndBackward(step, passes, vectors, mopeft.budget)),
      ...(await updateWeights(step, set, vectors)),
    ]);
    const comparisons = vectors.keys.flatMap((key) => {
      const tolerance = toleranceOf(key);
      if (tolerance === null) return [];
      const { data, every } = vectors.get(key);
      return [compare(key, computed.get(key) ?? [], data, tolerance, every)];
    });
    return { part: name, comparisons, untouched: vectors.untouched };
  } finally {
    step.release();
  }
}

/** Null for what the file gives; the rest is expected. */
function toleranceOf(key: string): number | null {
  if (/^(param|target|input)\./.test(key)) return null;
  if (key.startsWith('grad.')) return TOLERANCE.gradient;
  return key.startsWith('adamw') ? TOLERANCE.adamw : TOLERANCE.forward;
}

/** The gradients of the file's passes as one batch, by the parts of a training step. */
async function forwardAndBackward(
  { parameters, encoder, decoder, sam }: TrainingStep,
  passes: readonly CasePass[],
  vectors: Vectors,
  budget = 1,
): Promise<Map<string, ArrayLike<number>>> {
  const computed = new Map<string, ArrayLike<number>>();
  const append = (key: string, values: Iterable<number>) =>
    computed.set(key, [...Array.from(computed.get(key) ?? []), ...values]);
  const grid = gridOf(sam);
  let loss = 0;
  for (const { name } of parameters.layout.tensors)
    parameters.write('param', name, vectors.get(`param.${name}`).data);
  parameters.clearGradients();
  const draws = vectors.find('input.draws')?.data.values();
  encoder.draw({ uniform: () => draws?.next().value ?? Number.NaN });
  encoder.setBudget(budget);
  for (const { key, image, dataset, isFirst, targets, prompts, modes } of passes) {
    const appendEmbedding = async (name: string) => {
      const { embedding } = await encoder.readEmbeddings();
      append(name, toChannelsFirst(embedding, [1, grid, grid, sam.outputChannels]));
    };
    // Where a step draws, gates are those outside of training.
    if (draws && isFirst) {
      await encoder.encode(image);
      await appendEmbedding('evaluation.embedding');
    }
    await encoder.forward([{ input: image, dataset }]);
    if (isFirst) {
      await appendEmbedding('encoder.embedding');
      for (const [block, layer] of (await encoder.gates()).entries())
        for (const [method, gate] of Object.entries(layer)) append(`gates.${block}.${method}`, [gate]);
    }
    encoder.clearGradient();
    const weight = 1 / (passes.length * targets.length);
    decoder.setObjects(targets.map((target) => ({ target, weight, image: 0 })));
    const { losses, parts, objects } = await decoder.backpropagate(prompts, modes);
    loss = losses.reduce((sum, value) => sum + value, loss);
    for (const [n, { masks, iou }] of objects.entries()) {
      for (const mask of masks) append(`masks.${key}`, mask);
      append(`iou.${key}`, iou);
      append(`loss.${key}`, parts.subarray(4 * n, 4 * n + 3));
      append(`token.${key}`, parts.subarray(4 * n + 3, 4 * n + 4));
    }
    await encoder.backward(1 / passes.length);
  }
  computed.set('loss', [loss]);
  const gradients = await parameters.read('grad');
  for (const [name, values] of gradients) computed.set(`grad.${name}`, values);
  return computed;
}

/** AdamW with the file's gradient in every step and decay on every tensor, as the vectors want it. */
async function updateWeights(
  { parameters, optimizer }: TrainingStep,
  { optimizer: settings }: SetDescription,
  vectors: Vectors,
): Promise<Map<string, ArrayLike<number>>> {
  if (!settings) throw new RangeError('the set names no optimizer');
  const { lr, weight_decay: weightDecay, steps } = settings;
  for (const { name } of parameters.layout.tensors)
    parameters.write('grad', name, vectors.get(`grad.${name}`).data);
  for (let update = 1; update <= steps; update++)
    await optimizer.update(update, () => ({ lr, weightDecay }), 0);
  const values = await parameters.read('param');
  return new Map([...values].map(([name, data]) => [`adamw${steps}.${name}`, data]));
}

/** The config that the tensors of a case belong to. */
function caseConfig(
  sam: SamConfig,
  set: SetDescription,
  {
    methods,
    gated,
    gate,
    adapter_activation = set.adapter_activation,
    datasets,
    token,
    budget,
  }: CaseDescription,
  vectors: Vectors,
): MopeftConfig {
  const names = vectors.keys.filter((key) => key.startsWith('param.blocks.'));
  const blocksOf = (method: string) => {
    const found = names.flatMap((name) => {
      const [, , block, owner] = name.split('.');
      return owner === method ? [Number(block)] : [];
    });
    return [...new Set(found)].sort((a, b) => a - b);
  };
  const rows = (end: string) => {
    const name = names.find((candidate) => candidate.endsWith(end));
    return (name && vectors.get(name).shape[0]) || 1;
  };
  const settings: Record<string, Record<string, number | string>> = {
    lora: { rank: rows('.lora.q.A'), alpha: 0, targets: 'qv' },
    prefix: { length: rows('.prefix.K') },
    adapter: { bottleneck: rows('.adapter.down.weight'), activation: adapter_activation },
    conv_pass: { bottleneck: rows('.conv_pass.down.weight') },
    adaptformer: { bottleneck: rows('.adaptformer.down.weight') },
    full: { first: 0 },
  };
  const blocks = sitesOf(sam)
    .map(({ index }) => index)
    .filter((block) => methods.some((method) => blocksOf(method).includes(block)));
  return {
    methods: Object.fromEntries(methods.map((method) => [method, settings[method] ?? {}])),
    gate: gated ? (gate ?? 'unipelt') : 'none',
    token,
    datasets: Array.from({ length: datasets }, (_, index) => `${index}`),
    ...(budget !== undefined && { budget }),
    blocks,
    trainDecoder: vectors.keys.some((key) => key.startsWith('param.mask_decoder.')),
    pruned: Object.fromEntries(
      methods.map((method) => [method, blocks.filter((block) => !blocksOf(method).includes(block))]),
    ),
  };
}
