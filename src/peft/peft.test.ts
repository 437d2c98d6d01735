import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import { capabilitiesFor } from '../engine/capabilities.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import type { Tensor } from '../graph/graph.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import type { HostTensor } from '../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import { SamSession } from '../sam/session.ts';
import { type LayerTensors, SLOTS, type Slot } from '../sam/slots.ts';
import { graphInputs } from '../sam/weight-source.ts';
import type { SamModel } from '../sam/weights.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { withEntry } from '../testing/with-entry.ts';
import { readAdapterFiles, recordWithin, writeAdapter } from './adapter-file.ts';
import { attachModules, gateOutput } from './build.ts';
import { addGated } from './gates/add-gated.ts';
import type { Gate, GateForm } from './gates/gate-form.ts';
import { GATE_FORMS } from './gates/registry.ts';
import type { AnyMethod } from './method.ts';
import { methodsByName, nameOfMethods } from './recipes.ts';
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

/** The embedding and the gates of the micro model with modules of given values. */
async function embed(
  config: MopeftConfig | null,
  values: (name: string, initial: Float32Array) => Float32Array = (_, initial) => initial,
): Promise<{ embedding: Float32Array; gates: Map<string, Float32Array> }> {
  const tensors = new Map<string, BufferRange>();
  for (const { name, init } of config ? moduleTensors(config, MICRO_SAM) : []) {
    tensors.set(name, gpu.upload(values(name, init(3)), name));
  }
  const session = await SamSession.open(gpu, model, {
    tensors,
    ...(config && { slots: (graph) => attachModules(graph, config, graphInputs(graph), 'evaluation').slots }),
  });
  const gates = await session.encode(image);
  const embedding = await session.embedding();
  await session.release();
  for (const { buffer } of tensors.values()) gpu.release(buffer);
  return { embedding, gates };
}

const trained = (_: string, initial: Float32Array) =>
  initial.map((value, i) => value + 0.1 * Math.sin(1 + i));
const methods = (ids: string[], gate?: MopeftConfig['gate']) =>
  resolveMopeft({ methods: ids, ...(gate && { gate }) }, MICRO_SAM);

describe('modules in the encoder', () => {
  it('LoRA and the adapter are the identity at their start, and change the output once trained', async () => {
    const base = await embed(null);
    for (const id of ['lora', 'adapter']) {
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

  it.each(METHODS.map(({ id }) => id))(
    'with %s pruned in every block the output is that of a model built without it',
    async (id) => {
      const all = methods(
        METHODS.map((method) => method.id),
        'mass',
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

  it('gives every gate as an output, between 0 and 1', async () => {
    const ids = METHODS.map(({ id }) => id);
    const { gates } = await embed(methods(ids));
    expect([...gates.keys()].sort()).toEqual(
      [0, 1].flatMap((block) => ids.map((id) => gateOutput(block, id))).sort(),
    );
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
      expect((await embed(config)).embedding).toEqual(base.embedding);
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

describe('a config', () => {
  it('is named and read back', () => {
    expect(methodsByName('mopeft')).toEqual(['lora', 'prefix', 'adapter']);
    expect(methodsByName('adapter+lora')).toEqual(['lora', 'adapter']);
    expect(methodsByName('decoder')).toEqual([]);
    for (const name of ['mopeft', 'lora', 'lora+adapter', 'decoder']) {
      expect(nameOfMethods(methodsByName(name))).toBe(name);
    }
    expect(() => methodsByName('lora+lore')).toThrow(/There is no method "lore".*lora, prefix, adapter/);
  });

  it('gates mixes and leaves single methods ungated', () => {
    expect(methods(['lora']).gate).toBe('none');
    expect(methods(['lora', 'adapter']).gate).toBe('unipelt');
  });

  it('has the defaults of the model: prefix a sixteenth of the smallest window, bottleneck C/16 but at least 8', () => {
    const { methods: chosen } = methods(['lora', 'prefix', 'adapter']);
    expect(chosen).toEqual({
      lora: { rank: 8, alpha: 0 },
      prefix: { length: 1 },
      adapter: { bottleneck: 8, activation: 'gelu' },
    });
    const encoder = { ...MICRO_SAM.encoder, hiddenSize: 768, windowSize: 14 };
    const large = { ...MICRO_SAM, encoder, imageSize: 1024, stride: 16 };
    expect(resolveMopeft({ methods: ['prefix', 'adapter'] }, large).methods).toMatchObject({
      prefix: { length: 10 },
      adapter: { bottleneck: 48 },
    });
  });

  it('chooses blocks, and says what is wrong with a choice', () => {
    const five = { ...MICRO_SAM, encoder: { ...MICRO_SAM.encoder, numHiddenLayers: 5 } };
    const late = resolveMopeft({ methods: ['lora'], blocks: 'late' }, five);
    expect(late.blocks).toEqual([2, 3, 4]);
    expect(() => resolveMopeft({ methods: ['lora'], blocks: [7] }, MICRO_SAM)).toThrow(/no block 7.*0 to 1/);
    expect(() => resolveMopeft({ methods: [], trainDecoder: false }, MICRO_SAM)).toThrow(/decoder is frozen/);
    expect(() => resolveMopeft({ methods: ['lora'], settings: { lora: { rank: 0.5 } } }, MICRO_SAM)).toThrow(
      /lora\.rank.*whole number from 1 to 256/,
    );
  });

  it('keeps the values of a tensor whatever else is trained', () => {
    const init = (config: MopeftConfig, name: string) =>
      moduleTensors(config, MICRO_SAM)
        .find((tensor) => tensor.name === name)
        ?.init(7);
    const name = 'blocks.1.lora.q.A';
    expect(init(methods(['lora']), name)).toEqual(init(methods(['lora', 'prefix', 'adapter']), name));
  });
});

describe('an adapter file', () => {
  const config = methods(['lora', 'adapter']);
  const tensors: ReadonlyMap<string, HostTensor> = new Map(
    trainableTensors(config, MICRO_SAM).map(({ name, shape }, i): [string, HostTensor] => [
      name,
      {
        shape,
        data: Float32Array.from(
          normals(
            shape.reduce((a, b) => a * b, 1),
            i,
          ),
        ),
      },
    ]),
  );

  /** As adapters were written before the tensors' file held the record. */
  const withoutRecord = { safetensors: writeSafetensors(tensors, { format: 'mopeft-adapter' }) };

  it('comes back as it was written', async () => {
    const files = writeAdapter(model, {
      mopeft: config,
      tensors,
      maskThreshold: -0.5,
      training: { steps: 3 },
    });
    const back = await readAdapterFiles(model, files);
    expect(back.mopeft).toEqual(config);
    expect(back.tensors.size).toBe(tensors.size);
    for (const [name, { data }] of tensors) expect(back.tensors.get(name)?.data, name).toEqual(data);
    expect(back.preprocessing).toEqual(MICRO_SAM.preprocessing);
    expect(back.maskThreshold).toBe(-0.5);
    const { maskThreshold: _, ...older } = JSON.parse(files.json);
    const json = JSON.stringify(older);
    expect((await readAdapterFiles(model, { ...withoutRecord, json })).maskThreshold).toBe(0);
  });

  it('has the record of its own tensors, whatever a crash left beside them', async () => {
    const about = { mopeft: config, tensors, training: {} };
    const [older, newer] = [-0.5, 1].map((maskThreshold) => writeAdapter(model, { ...about, maskThreshold }));
    const safetensors = newer?.safetensors ?? new Uint8Array();
    const back = await readAdapterFiles(model, { json: older?.json ?? '', safetensors });
    expect(back.maskThreshold).toBe(1);
    expect(await recordWithin(bytesSource('adapter.safetensors', safetensors))).toBe(newer?.json);
  });

  it('is refused with a sentence when it belongs to another model, is damaged or is something else', async () => {
    const files = writeAdapter(model, { mopeft: config, tensors, maskThreshold: 0, training: {} });
    const code = async (promise: Promise<unknown>) => {
      const failure = await promise.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      return failure instanceof Failure ? failure.record.code : failure;
    };
    const other = { ...model, name: 'another', hash: 'f'.repeat(64) };
    expect(await code(readAdapterFiles(other, files))).toBe('adapter/other-model');
    expect(await code(readAdapterFiles(model, { ...withoutRecord, json: '{}' }))).toBe(
      'adapter/not-an-adapter',
    );
    expect(await code(readAdapterFiles(model, { ...withoutRecord, json: 'no' }))).toBe(
      'adapter/not-an-adapter',
    );
    const fewer = new Map([...tensors].slice(1));
    const cut = writeAdapter(model, { mopeft: config, tensors: fewer, maskThreshold: 0, training: {} });
    expect(await code(readAdapterFiles(model, cut))).toBe('adapter/tensors');
    const twice = files.json.replace(/"blocks": \[[^\]]*\]/, '"blocks": [0, 0, 1]');
    expect(await code(readAdapterFiles(model, { ...withoutRecord, json: twice }))).toBe(
      'adapter/not-an-adapter',
    );
    const otherGate = files.json.replace('"gate": "unipelt"', '"gate": "sorcery"');
    expect(await code(readAdapterFiles(model, { ...withoutRecord, json: otherGate }))).toBe(
      'adapter/no-gate-form',
    );
    const json = files.json.replace('"adapter": {', '"sorcery": {');
    expect(await code(readAdapterFiles(model, { ...withoutRecord, json }))).toBe('adapter/no-method');
  });
});
