import { describe, expect, it } from 'vitest';
import type { TrainableTensor } from '../peft/tensors.ts';
import { layoutParameters } from './parameter-buffers.ts';

const tensor = (name: string, length: number, more: Partial<TrainableTensor> = {}): TrainableTensor => ({
  name,
  shape: [length],
  group: 'peft',
  part: 'encoder',
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

  it('has tensors of one size side by side where that is asked for, as far as they are trained and in one buffer', () => {
    const beside = [['d', 'b2', 'a2'], ['c2', 'none'], ['g']];
    const own = ['a2', 'b2', 'c2', 'd'].map((name) => tensor(name, 100, { group: 'decoder' }));
    const layout = layoutParameters([...own, ...tensors.filter(({ name }) => name !== 'd')], 1 << 20, beside);
    const [three, one, ...others] = layout.beside;
    expect(others).toEqual([]);
    expect(three).toMatchObject({ name: '[d, b2, a2]', buffer: 0, bytes: 2 * 512 + 400, stride: 512 });
    expect(one).toMatchObject({ name: '[g]', bytes: 4 });
    const offsets = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
    expect(['d', 'b2', 'a2'].map((name) => offsets.get(name))).toEqual(
      [0, 1, 2].map((i) => (three?.offset ?? 0) + 512 * i),
    );
    expect(layoutParameters(own, 1024, beside).beside).toEqual([]);
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
