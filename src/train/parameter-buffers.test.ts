import { describe, expect, it } from 'vitest';
import type { TrainableTensor } from '../peft/tensors.ts';
import { layoutParameters } from './parameter-buffers.ts';

const tensor = (name: string, length: number, more: Partial<TrainableTensor> = {}): TrainableTensor => ({
  name,
  shape: [length],
  group: 'peft',
  decay: true,
  rate: 1,
  ...more,
});

describe('the layout of the parameter buffers', () => {
  const tensors = [
    tensor('d', 3, { group: 'decoder' }),
    tensor('b', 100),
    tensor('g', 1, { group: 'gate', decay: false }),
    tensor('a', 64),
    tensor('c', 5, { decay: false }),
    tensor('aa', 7, { rate: 50 }),
  ];

  it('is one range for each group, decay and rate, aligned to 256 bytes, and does not depend on the order given', () => {
    const layout = layoutParameters(tensors, 1 << 20);
    expect(layout.tensors.map(({ name, offset }) => [name, offset])).toEqual([
      ['a', 0],
      ['b', 256],
      ['aa', 768],
      ['c', 1024],
      ['g', 1280],
      ['d', 1536],
    ]);
    expect(layout.ranges.map(({ group, decay, rate, bytes }) => [group, decay, rate, bytes])).toEqual([
      ['peft', true, 1, 768],
      ['peft', true, 50, 256],
      ['peft', false, 1, 256],
      ['gate', false, 1, 256],
      ['decoder', true, 1, 256],
    ]);
    expect(layout.parameterCount).toBe(180);
    expect(layout.totalBytes).toBe(4 * 1792);
    expect(layoutParameters([...tensors].reverse(), 1 << 20)).toEqual(layout);
  });

  it('goes on in a second buffer where the first is full, and refuses a tensor that fits none', () => {
    const layout = layoutParameters(tensors, 1024);
    expect(layout.bufferBytes).toEqual([1024, 768]);
    expect(layout.ranges.every(({ offset, bytes }) => offset + bytes <= 1024)).toBe(true);
    expect(() => layoutParameters([tensor('blocks.0.lora.q.A', 1000)], 768)).toThrow(
      /blocks\.0\.lora\.q\.A.*768/,
    );
  });
});
