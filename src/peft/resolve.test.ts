import { describe, expect, it } from 'vitest';
import type { MopeftConfig } from '../config/mopeft.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { methodsByName, nameOfMethods } from './recipes.ts';
import { resolveMopeft } from './resolve.ts';
import { moduleTensors } from './tensors.ts';

const methods = (ids: string[]) => resolveMopeft({ methods: ids }, MICRO_SAM);

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
      lora: { rank: 8, alpha: 0, targets: 'qv' },
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
    const token = { methods: [], trainDecoder: false, token: true, datasets: ['a', 'b'] };
    expect(resolveMopeft(token, MICRO_SAM)).toMatchObject({ token: true, datasets: ['a', 'b'] });
    expect(() => resolveMopeft({ methods: ['lora'], settings: { lora: { rank: 0.5 } } }, MICRO_SAM)).toThrow(
      /lora\.rank.*whole number from 1 to 256/,
    );
  });

  it('has a share to keep with a gate form that keeps one, and such a form where a share is asked for alone', () => {
    const resolved = (gate: string | undefined, budget?: number) => {
      const request = { methods: ['lora'], ...(gate && { gate }), ...(budget !== undefined && { budget }) };
      const { gate: form, budget: share } = resolveMopeft(request, MICRO_SAM);
      return [form, share];
    };
    expect(resolved('budget')).toEqual(['budget', 0.25]);
    expect(resolved('hard', 0.1)).toEqual(['hard', 0.1]);
    expect(resolved(undefined, 0.5)).toEqual(['budget', 0.5]);
    expect(resolved('mass')).toEqual(['mass', undefined]);
    expect(() => resolved('mass', 0.5)).toThrow(
      /mass keeps all modules.*Choose the gate form budget or hard/s,
    );
    const by = { methods: ['lora'], budget: 0.5, budgetBy: 'validation' } as const;
    expect(resolveMopeft(by, MICRO_SAM).budgetBy).toBe('validation');
    expect(() => resolveMopeft({ ...by, gate: 'hard' }, MICRO_SAM)).toThrow(
      /hard does not.*form budget, or/s,
    );
    for (const wrong of [0, 1.5, Number.NaN]) expect(() => resolved('budget', wrong)).toThrow(/budget/);
    expect(Object.keys(resolveMopeft({ methods: [], gate: 'budget' }, MICRO_SAM))).not.toContain('budget');
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
