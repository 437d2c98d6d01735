import { expect, it } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { planGraph } from '../../graph/plan.ts';
import { runGraph } from '../../graph/run-graph.ts';
import { openTestGpu } from '../../testing/device.ts';
import { add } from '../add/add.ts';
import { linear } from '../linear/linear.ts';
import { halfName, halfValue, packHalves, unpackHalfOp, unpackHalves } from './unpack-half.ts';

const FINITE = 0x7c00;

/** The bits of one value's half, beside another value that must not matter. */
const bitsOf = (value: number): number => (packHalves(Float32Array.of(value, -1))[0] ?? 0) & 0xffff;

/** The f32 that is a step away, towards zero or from it. */
function neighbour(value: number, step: 1 | -1): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] ?? 0) + step;
  return new Float32Array(bits.buffer)[0] ?? Number.NaN;
}

it('rounds to the nearest half, ties to even, between all neighbours and with both signs', () => {
  const wrong: string[] = [];
  const check = (value: number, half: number) => {
    for (const [signed, want] of [
      [value, half],
      [-value, half | 0x8000],
    ] as const)
      if (bitsOf(signed) !== want) wrong.push(`${signed} is ${bitsOf(signed)}, not ${want}`);
  };
  for (let half = 0; half < FINITE; half++) {
    const value = halfValue(half);
    // The largest half's neighbour would be 2^16, which is infinite.
    const next = half + 1 === FINITE ? 65536 : halfValue(half + 1);
    const tie = (value + next) / 2;
    check(value, half);
    check(tie, half % 2 === 0 ? half : half + 1);
    check(neighbour(tie, -1), half);
    check(neighbour(tie, 1), half + 1);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect([Number.POSITIVE_INFINITY, 1e38, 65520].map(bitsOf)).toEqual([FINITE, FINITE, FINITE]);
  expect(halfValue(bitsOf(Number.NaN))).toBeNaN();
  expect([0, -0, 1e-45, -1e-10].map(bitsOf)).toEqual([0, 0x8000, 0, 0x8000]);
});

it('unpacks every half that a weight can be, subnormal ones too, exactly', async () => {
  const gpu = await openTestGpu({ defaultLimits: true });
  try {
    const halves = Array.from({ length: 2 * FINITE }, (_, i) => (i < FINITE ? i : (i - FINITE) | 0x8000));
    const words = new Uint32Array(Uint16Array.from(halves).buffer);
    const graph = new Graph();
    const input = graph.input('words', [words.length]);
    graph.output('out', graph.apply1(unpackHalfOp, [input], { shape: [halves.length] }));
    const outputs = await runGraph(gpu, graph, { words: new Float32Array(words.buffer) }, () => undefined);
    expect(outputs.get('out')).toEqual(Float32Array.from(halves, halfValue));
  } finally {
    gpu.destroy();
  }
});

it('gives each use of a stored tensor a copy of its own, in its phase, and leaves the others', () => {
  const graph = new Graph();
  const [w, v] = [graph.input('w', [4, 4]), graph.input('v', [4, 4])];
  const x = linear(graph.input('x', [4, 4]), w, null);
  graph.phase = 'backward';
  graph.output('y', add(linear(linear(x, v, null), w, null), w.view([2, 8]).view([4, 4])));
  unpackHalves(graph, (name) => name === 'w');
  const { passes, inputs } = planGraph(graph, { isSoftware: false, hasSubgroups: false });
  expect([...inputs]).toEqual(
    expect.arrayContaining([
      ['x', 64],
      ['v', 64],
      [halfName('w'), 32],
    ]),
  );
  expect(inputs.has('w')).toBe(false);
  const unpacked = passes
    .map(({ label }, i) => (label.startsWith('unpackHalf') ? i : -1))
    .filter((i) => i >= 0);
  expect(unpacked.map((i) => passes[i]?.phase)).toEqual(['forward', 'backward', 'backward']);
  // Right before the pass that reads it.
  for (const i of unpacked) expect(passes[i + 1]?.homes).toContainEqual(passes[i]?.homes[1]);
});
