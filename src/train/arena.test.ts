import { describe, expect, it } from 'vitest';
import type { TrainableTensor } from '../peft/tensors.ts';
import { layoutArena } from './arena.ts';

const tensor = (name: string, length: number, more: Partial<TrainableTensor> = {}): TrainableTensor => ({
  name,
  shape: [length],
  group: 'peft',
  decay: true,
  ...more,
});

describe('the arena’s layout', () => {
  const tensors = [
    tensor('d', 3, { group: 'decoder' }),
    tensor('b', 100),
    tensor('g', 1, { group: 'gate', decay: false }),
    tensor('a', 64),
    tensor('c', 5, { decay: false }),
  ];

  it('is one range for each group and decay, aligned to 256 bytes, and does not depend on the order given', () => {
    const layout = layoutArena(tensors, 1 << 20);
    expect(layout.tensors.map(({ name, offset }) => [name, offset])).toEqual([
      ['a', 0],
      ['b', 256],
      ['c', 768],
      ['g', 1024],
      ['d', 1280],
    ]);
    expect(layout.ranges.map(({ group, decay, bytes }) => [group, decay, bytes])).toEqual([
      ['peft', true, 768],
      ['peft', false, 256],
      ['gate', false, 256],
      ['decoder', true, 256],
    ]);
    expect(layout.parameterCount).toBe(173);
    expect(layout.totalBytes).toBe(4 * 1536);
    expect(layoutArena([...tensors].reverse(), 1 << 20)).toEqual(layout);
  });

  it('goes on in a second buffer where the first is full, and refuses a tensor that fits none', () => {
    const layout = layoutArena(tensors, 768);
    expect(layout.bufferBytes).toEqual([768, 768]);
    expect(layout.ranges.every(({ offset, bytes }) => offset + bytes <= 768)).toBe(true);
    expect(() => layoutArena([tensor('blocks.0.lora.q.A', 1000)], 768)).toThrow(/blocks\.0\.lora\.q\.A.*768/);
  });
});
