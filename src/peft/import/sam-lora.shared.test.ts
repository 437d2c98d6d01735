import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openTensorFile } from '../../sam/checkpoint/open-tensor-file.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { foreignReader } from './registry.ts';
import { adapterOfForeign } from './to-adapter.ts';

/** Weights as Sam_LoRA saves them, which lie beside the repository where it is developed; `npm run test:shared`. */
const root = new URL('../../../../shared/fixtures/sam_lora/', import.meta.url);

/** SAM ViT-B's blocks; the rest does not matter to LoRA. */
const VIT_B: typeof MICRO_SAM = {
  ...MICRO_SAM,
  encoder: {
    ...MICRO_SAM.encoder,
    hiddenSize: 768,
    numHiddenLayers: 12,
    numAttentionHeads: 12,
    mlpDim: 3072,
  },
};
async function read(rank: number) {
  const bytes = new Uint8Array(readFileSync(new URL(`lora_rank${rank}.safetensors`, root)));
  const file = await openTensorFile(bytesSource('lora.safetensors', bytes));
  const foreign = await foreignReader([...file.tensors.keys()])?.read(file, null);
  if (!foreign) throw new Error('no reader knows it');
  return { file, foreign };
}

const base = {
  name: 'vit_b',
  hash: '0'.repeat(64),
  config: VIT_B,
  weights: { values: async () => new Float32Array() },
};

describe.skipIf(!existsSync(root))('LoRA of Sam_LoRA', () => {
  it.each([2, 8])('of rank %d is q and v of every block, value by value', async (rank) => {
    const { file, foreign } = await read(rank);
    const { mopeft, tensors, training } = await adapterOfForeign(foreign, base);
    expect(mopeft.methods).toEqual({ lora: { rank, alpha: 0, targets: 'qv' } });
    expect(mopeft.blocks).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect((training.understood as string[])[0]).toBe(`Sam_LoRA, rank ${rank}, scale 1, blocks 0-11, q, v.`);
    expect(tensors.size).toBe(48);
    for (let i = 0; i < 24; i++) {
      const number = String(i).padStart(3, '0');
      const name = `blocks.${Math.floor(i / 2)}.lora.${i % 2 === 0 ? 'q' : 'v'}`;
      for (const side of ['a', 'b'] as const) {
        const saved = await file.read(`w_${side}_${number}`);
        expect(saved.shape).toEqual(side === 'a' ? [rank, 768] : [768, rank]);
        const own = tensors.get(`${name}.${side.toUpperCase()}`);
        expect(own, name).toEqual(saved);
      }
    }
  });

  it('of two ranks is filled up with zeros, which change nothing', async () => {
    const [two, eight] = [(await read(2)).foreign, (await read(8)).foreign];
    const pairs = [
      ...two.pairs.filter(({ block }) => block === 0),
      ...eight.pairs.filter(({ block }) => block > 0),
    ];
    const { tensors } = await adapterOfForeign({ ...eight, pairs }, base);
    const at = (name: string, i: number) => tensors.get(name)?.data[i] ?? Number.NaN;
    const [first] = two.pairs;
    for (const row of [0, 5, 767]) {
      for (const column of [0, 3, 766]) {
        let own = 0;
        for (let r = 0; r < 2; r++)
          own += (first?.b.data[2 * row + r] ?? 0) * (first?.a.data[768 * r + column] ?? 0);
        let padded = 0;
        for (let r = 0; r < 8; r++)
          padded += at('blocks.0.lora.q.B', 8 * row + r) * at('blocks.0.lora.q.A', 768 * r + column);
        expect(padded).toBe(own);
        expect(Math.abs(own)).toBeGreaterThan(0);
      }
    }
  });
});
