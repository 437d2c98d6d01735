import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftConfig } from '../config/mopeft.ts';
import { capabilitiesFor } from '../engine/capabilities.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import type { Tensor } from '../graph/graph.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { SamSession } from '../sam/session.ts';
import { type LayerTensors, SLOTS, type Slot } from '../sam/slots.ts';
import { graphInputs } from '../sam/weight-source.ts';
import type { SamModel } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { withEntry } from '../testing/with-entry.ts';
import { readAdapterFiles, writeAdapter } from './adapter-file.ts';
import { attachModules, gateOutput } from './build.ts';
import { DATASET_INPUT, datasetCount, datasetRows } from './datasets.ts';
import { addGated } from './gates/add-gated.ts';
import type { Gate, GateForm } from './gates/gate-form.ts';
import { GATE_FORMS } from './gates/registry.ts';
import type { AnyMethod } from './method.ts';
import { modulesOf } from './modules.ts';
import { methodsByName } from './recipes.ts';
import { METHODS } from './registry.ts';
import { resolveMopeft } from './resolve.ts';
import { zeros } from './tensor-spec.ts';
import { moduleTensors, trainableTensors } from './tensors.ts';

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openMicroModel(gpu);
});
afterAll(() => gpu?.destroy());

const image = Float32Array.from(normals(3 * 32 * 32, 5));

/** The embedding and the gates of the micro model with modules of given values, for the dataset of an index. */
async function embed(
  config: MopeftConfig | null,
  values: (name: string, initial: Float32Array) => Float32Array = (_, initial) => initial,
  dataset = 0,
): Promise<{ embedding: Float32Array; gates: Map<string, Float32Array> }> {
  const tensors = new Map<string, BufferRange>();
  for (const { name, init } of config ? moduleTensors(config, MICRO_SAM) : []) {
    tensors.set(name, gpu.upload(values(name, init(3)), name));
  }
  const datasets = config ? datasetCount(config) : 0;
  if (datasets > 0) tensors.set(DATASET_INPUT, gpu.upload(datasetRows([dataset], datasets), DATASET_INPUT));
  const session = await SamSession.open(gpu, model, {
    tensors,
    ...(config && { slots: (graph) => attachModules(graph, config, graphInputs(graph), 'evaluation').slots }),
  });
  const gates = await session.encode(image);
  const { embedding } = await session.embeddings();
  await session.release();
  for (const { buffer } of tensors.values()) gpu.release(buffer);
  return { embedding, gates };
}

const trained = (_: string, initial: Float32Array) =>
  initial.map((value, i) => value + 0.1 * Math.sin(1 + i));
const methods = (ids: string[], gate?: MopeftConfig['gate'], datasets: string[] = []) =>
  resolveMopeft({ methods: ids, ...(gate && { gate }), datasets }, MICRO_SAM);

describe('modules in the encoder', () => {
  it('a method is the identity at its start, and changes the output once trained', async () => {
    const base = await embed(null);
    for (const { id } of METHODS.filter(({ changesAtStart }) => !changesAtStart)) {
      const start = await embed(methods([id]));
      expect(start.embedding, id).toEqual(base.embedding);
      const later = await embed(methods([id]), trained);
      expect(later.embedding, id).not.toEqual(base.embedding);
    }
  });

  it('a unipelt prefix takes softmax mass from the start, a closed mass gate is the frozen model bit for bit', async () => {
    const base = await embed(null);
    const unipelt = await embed(methods(['prefix'], 'unipelt'));
    expect(unipelt.embedding).not.toEqual(base.embedding);
    // sigmoid(-200) is 0 in f32.
    const closed = (name: string, initial: Float32Array) =>
      name.endsWith('gate.prefix.bias') ? Float32Array.of(-200) : trained(name, initial);
    const mass = await embed(methods(['prefix'], 'mass'), closed);
    expect(mass.gates.get(gateOutput(0, 'prefix'))).toEqual(Float32Array.of(0));
    expect(mass.embedding).toEqual(base.embedding);
  });

  it('with gates by dataset, is the base model for one that closed them, and answers another as the image says', async () => {
    const ids = METHODS.map(({ id }) => id);
    const base = await embed(null);
    // Sigmoid of ±200 is 1 and 0 in f32; the second dataset of three has the open ones.
    const apart = (name: string, initial: Float32Array) =>
      name.endsWith('.phi') ? Float32Array.of(-200, 200, 0) : trained(name, initial);
    const config = methods(ids, 'task', ['a', 'b', 'c']);
    const closed = await embed(config, apart, 0);
    expect(closed.embedding).toEqual(base.embedding);
    expect([...closed.gates.values()]).toEqual(
      closed.gates.size > 0 ? Array(closed.gates.size).fill(Float32Array.of(0)) : null,
    );
    const open = await embed(config, apart, 1);
    expect([...open.gates.values()].every(([gate]) => gate === 1)).toBe(true);
    const full = await embed(methods(ids, 'none'), trained);
    expect(relativeError(open.embedding, full.embedding)).toBeLessThan(1e-5);
    const half = await embed(config, apart, 2);
    for (const other of [closed, open]) expect(half.embedding).not.toEqual(other.embedding);
  });

  it.each(GATE_FORMS.flatMap((form) => METHODS.map((method) => [method.id, form.id] as const)))(
    'with %s pruned in every block, and gates %s, the output is that of a model built without it',
    async (id, gate) => {
      const all = methods(
        METHODS.map((method) => method.id),
        gate,
      );
      const { [id]: _, ...rest } = all.methods;
      const without = await embed({ ...all, methods: rest }, trained);
      const pruned = await embed({ ...all, pruned: { [id]: all.blocks } }, trained);
      expect(pruned.embedding).toEqual(without.embedding);
      expect([...pruned.gates.keys()]).toEqual([...without.gates.keys()]);
      const on = await embed(all, trained);
      expect(on.embedding).not.toEqual(without.embedding);
    },
  );

  it('a hard gate is open or closed, and closed as if its module were pruned, bit for bit', async () => {
    const all = methods(
      METHODS.map(({ id }) => id),
      'hard',
    );
    for (const { id } of METHODS) {
      const closed = await embed(all, (name, initial) =>
        name.endsWith(`gate.${id}.alpha`) ? Float32Array.of(-0.5) : trained(name, initial),
      );
      const own = modulesOf(all).filter(({ method }) => method.id === id);
      for (const { block } of own)
        expect(closed.gates.get(gateOutput(block, id)), `${block} ${id}`).toEqual(Float32Array.of(0));
      const pruned = await embed({ ...all, pruned: { [id]: all.blocks } }, trained);
      expect(closed.embedding, id).toEqual(pruned.embedding);
      for (const [name, value] of pruned.gates) expect(value, name).toEqual(Float32Array.of(1));
    }
  });

  it('gives every gate as an output, between 0 and 1', async () => {
    const config = methods(METHODS.map(({ id }) => id));
    const { gates } = await embed(config);
    const names = modulesOf(config).map(({ block, method }) => gateOutput(block, method.id));
    expect([...gates.keys()].sort()).toEqual(names.sort());
    expect(names, 'all weights of the last block alone').not.toContain(gateOutput(0, 'full'));
    for (const [name, [value = -1]] of gates) {
      expect(value, name).toBeGreaterThan(0);
      expect(value, name).toBeLessThan(1);
    }
    const ungated = await embed(methods(['lora']));
    expect([...ungated.gates.keys()]).toEqual([]);
  });
});

describe('a new method', () => {
  const probe = (slot: Slot): AnyMethod => ({
    id: 'probe',
    label: 'Probe',
    help: '',
    colourSlot: 4,
    fields: () => ({}),
    tensors: (_, { width, mlpWidth }) => [
      { name: 'probe.bias', shape: [slot === 'lin1' ? mlpWidth : width], decay: false, init: zeros },
    ],
    gateReads: 'norm1',
    attach: ({ tensor }) => ({
      [slot]: ({ output }: LayerTensors, gate: Gate) => addGated(output, tensor('probe.bias'), gate),
    }),
  });

  it.each(
    SLOTS.flatMap(
      (slot) =>
        [
          ['none', slot],
          ['unipelt', slot],
        ] as const,
    ),
  )('with gate form %s adds a bias at %s', async (form, slot) => {
    await withEntry(METHODS, probe(slot), async () => {
      const config = methods(['probe'], form);
      const base = await embed(null);
      const start = await embed(config);
      // Between lin1 and its activation it moves the activation out of the product's kernel, which may round otherwise.
      if (slot === 'lin1') expect(relativeError(start.embedding, base.embedding)).toBeLessThan(1e-6);
      else expect(start.embedding).toEqual(base.embedding);
      const later = await embed(config, trained);
      // The same bias on every key changes no softmax.
      if (slot === 'k') return;
      expect(later.embedding).not.toEqual(base.embedding);
    });
  });

  it('changes the weights of a block', async () => {
    const halved: AnyMethod = {
      ...probe('mlp'),
      attach: ({ gatesByImage, tensor }) => ({
        weight: (name: string, frozen: Tensor, gate: Gate) => {
          expect(gatesByImage).toBe(false);
          return name === 'norm2.bias' ? addGated(frozen, tensor('probe.bias'), gate) : frozen;
        },
      }),
    };
    await withEntry(METHODS, halved, async () => {
      const base = await embed(null);
      expect((await embed(methods(['probe']))).embedding).toEqual(base.embedding);
      expect((await embed(methods(['probe']), trained)).embedding).not.toEqual(base.embedding);
    });
  });

  it('joins no recipe and no default by itself', async () => {
    await withEntry(METHODS, probe('mlp'), async () => {
      expect(methodsByName('mopeft')).toEqual(['lora', 'prefix', 'adapter']);
      expect(methodsByName('probe+lora')).toEqual(['lora', 'probe']);
      expect(capabilitiesFor(MICRO_SAM).methods.map(({ id }) => id)).toContain('probe');
    });
  });
});

describe('a new gate form', () => {
  it('sees all modules of a block at once, and its adapter is written and read', async () => {
    const seen: (readonly string[])[] = [];
    const shared: GateForm = {
      id: 'shared',
      label: 'Shared',
      help: 'One number for all modules of a block.',
      varies: 'by-run',
      differsInTraining: false,
      reads: () => 'nothing',
      tensors: () => [
        {
          name: 'gate.shared',
          shape: [1],
          decay: false,
          init: (shape) => new Float32Array(shape[0] ?? 1).fill(1),
        },
      ],
      trace: (block, { tensor }) => {
        seen.push(block.map(({ id }) => id));
        return block.map(() => ({ value: tensor('gate.shared'), insideSoftmax: false }));
      },
    };
    await withEntry(GATE_FORMS, shared, async () => {
      const config = methods(['lora', 'adapter'], 'shared');
      const open = await embed(config, trained);
      const closed = await embed(config, (name, initial) =>
        name.endsWith('gate.shared') ? Float32Array.of(0) : trained(name, initial),
      );
      expect(seen[0]).toEqual(['lora', 'adapter']);
      expect([...open.gates.keys()]).toContain(gateOutput(0, 'lora'));
      expect(closed.embedding).toEqual((await embed(null)).embedding);
      expect(open.embedding).not.toEqual(closed.embedding);
      const tensors = new Map(
        trainableTensors(config, MICRO_SAM).map(({ name, shape }): [string, HostTensor] => [
          name,
          { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
        ]),
      );
      const files = writeAdapter(model, { mopeft: config, tensors, maskThreshold: 0, training: {} });
      expect((await readAdapterFiles(model, files)).mopeft.gate).toBe('shared');
    });
  });
});
