import { describe, expect, it } from 'vitest';
import { Failure } from '../config/failure.ts';
import { sizeOf } from '../graph/shape.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { readAdapterFiles, recordWithin, writeAdapter } from './adapter-file.ts';
import { resolveMopeft } from './resolve.ts';
import { trainableTensors } from './tensors.ts';

const model = { name: 'micro', hash: '0'.repeat(64), config: MICRO_SAM };

describe('an adapter file', () => {
  const config = resolveMopeft({ methods: ['lora', 'adapter'] }, MICRO_SAM);
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

  it('names the datasets that it tells apart, each once', async () => {
    const mopeft = resolveMopeft({ methods: ['lora'], gate: 'task', datasets: ['a', 'b'] }, MICRO_SAM);
    const own = new Map(
      trainableTensors(mopeft, MICRO_SAM).map(({ name, shape }): [string, HostTensor] => [
        name,
        { shape, data: new Float32Array(sizeOf(shape)) },
      ]),
    );
    const about = { tensors: own, maskThreshold: 0, training: {} };
    const back = await readAdapterFiles(model, writeAdapter(model, { ...about, mopeft }));
    expect(back.mopeft.datasets).toEqual(['a', 'b']);
    expect(resolveMopeft({ methods: ['lora'], gate: 'mass', datasets: ['a'] }, MICRO_SAM).datasets).toBe(
      undefined,
    );
    const read = (datasets: readonly string[]) =>
      readAdapterFiles(model, writeAdapter(model, { ...about, mopeft: { ...mopeft, datasets } }));
    await expect(read(['a', 'a'])).rejects.toMatchObject({ record: { code: 'adapter/not-an-adapter' } });
    await expect(read([])).rejects.toMatchObject({ record: { code: 'adapter/not-an-adapter' } });
    await expect(read(['a'])).rejects.toMatchObject({ record: { code: 'adapter/tensors' } });
  });

  it('of before LoRA could change other layers changes queries and values', async () => {
    const files = writeAdapter(model, { mopeft: config, tensors, maskThreshold: 0, training: {} });
    expect(files.json).toContain('"targets": "qv"');
    const json = files.json.replace(/,\s*"targets": "qv"/, '');
    expect(json).not.toContain('targets');
    expect((await readAdapterFiles(model, { ...withoutRecord, json })).mopeft).toEqual(config);
  });

  it('has the record of its own tensors, whatever a crash left beside them', async () => {
    const about = { mopeft: config, tensors, training: {} };
    const [older, newer] = [-0.5, 1].map((maskThreshold) => writeAdapter(model, { ...about, maskThreshold }));
    const safetensors = newer?.safetensors ?? new Uint8Array();
    const back = await readAdapterFiles(model, { json: older?.json ?? '', safetensors });
    expect(back.maskThreshold).toBe(1);
    expect(await recordWithin(bytesSource('adapter.safetensors', safetensors))).toBe(newer?.json);
  });

  it("of an HQ-SAM has that decoder's own tensors, and is refused without them", async () => {
    const hq = { ...model, config: { ...MICRO_SAM, decoder: { ...MICRO_SAM.decoder, kind: 'hq' as const } } };
    const mopeft = resolveMopeft({ methods: [], trainDecoder: true }, hq.config);
    const tensors = new Map(
      trainableTensors(mopeft, hq.config).map(({ name, shape }, i): [string, HostTensor] => [
        name,
        { shape, data: Float32Array.from(normals(sizeOf(shape), i)) },
      ]),
    );
    const own = trainableTensors(mopeft, MICRO_SAM).map(({ name }) => name);
    const added = [...tensors.keys()].filter((name) => !own.includes(name));
    expect(added).toContain('mask_decoder.hf_token.weight');
    expect(added).toHaveLength(25);
    const about = { mopeft, maskThreshold: 0, training: {} };
    const back = await readAdapterFiles(hq, writeAdapter(hq, { ...about, tensors }));
    for (const name of added) expect(back.tensors.get(name), name).toEqual(tensors.get(name));
    const plain = new Map([...tensors].filter(([name]) => own.includes(name)));
    await expect(readAdapterFiles(hq, writeAdapter(hq, { ...about, tensors: plain }))).rejects.toMatchObject({
      record: { code: 'adapter/tensors', what: expect.stringMatching(/mask_decoder.*missing/) },
    });
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
    // Of two models of one name, the cure does not ask for what is open.
    const cured = (cure: RegExp) => ({ record: { cure: expect.stringMatching(cure) } });
    await expect(readAdapterFiles(other, files)).rejects.toMatchObject(cured(/^Open \S+ first/));
    const namesake = readAdapterFiles({ ...other, name: model.name }, files);
    await expect(namesake).rejects.toMatchObject(cured(/several models the other of them/));
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
