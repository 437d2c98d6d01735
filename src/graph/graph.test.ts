import { describe, expect, it } from 'vitest';
import { add } from '../ops/add/add.ts';
import { linear } from '../ops/linear/linear.ts';
import { gradients } from './grad.ts';
import { Graph, type Tensor } from './graph.ts';
import { planAround, planGraph } from './plan.ts';

const traits = { isSoftware: true, hasSubgroups: false };

/** Position of a product's output among its bindings, and bytes of what it binds and does not write. */
const OUT = 3;
const UNUSED = 16;

/** A chain of `depth` linear layers of width `width` over `rows` rows. */
function chain(depth: number, rows: number, width: number) {
  const graph = new Graph();
  let x = graph.input('x', [rows, width]);
  for (let i = 0; i < depth; i++) x = linear(x, graph.input(`w${i}`, [width, width]), null);
  return { graph, x };
}

describe('graph', () => {
  it('gives the same node for the same op on the same inputs', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2, 3]), graph.input('b', [2, 3])];
    expect(add(a, b)).toBe(add(a, b));
    expect(graph.nodes).toHaveLength(1);
  });

  it('refuses an input that changes its shape, and inputs that do not fit an op', () => {
    const graph = new Graph();
    graph.input('a', [2, 3]);
    expect(() => graph.input('a', [3, 2])).toThrow(/was \[2, 3\]/);
    expect(() => linear(graph.input('a', [2, 3]), graph.input('w', [4, 5]), null)).toThrow(/linear/);
  });

  it('keeps the elements of a view and refuses another number of them', () => {
    const graph = new Graph();
    const a = graph.input('a', [2, 6]);
    expect(a.view([3, 4]).root).toBe(a);
    expect(() => a.view([5])).toThrow(/does not hold/);
  });
});

describe('gradients', () => {
  it('builds no weight gradient for frozen weights and nothing below the first tensor that is asked for', () => {
    const { graph, x } = chain(4, 3, 5);
    const forward = graph.nodes.length;
    const w3 = graph.input('w3', [5, 5]);
    const [dw3] = gradients(graph, [{ tensor: x, seed: graph.input('dout', [3, 5]) }], [w3], add);
    expect(dw3?.shape).toEqual([5, 5]);
    expect(graph.nodes.length - forward, 'one product: the last layer’s weight').toBe(1);
  });

  it('sums what reaches a tensor along several paths, through views too', () => {
    const graph = new Graph();
    const a = graph.input('a', [2, 3]);
    const sum = add(a, a.view([3, 2]).view([2, 3]));
    const [da] = gradients(graph, [{ tensor: sum, seed: graph.input('dout', [2, 3]) }], [a], add);
    expect(graph.nodes.find(({ outputs }) => outputs.includes(da?.root as Tensor))?.op.name).toBe('add');
  });

  it('gives null for a tensor on which nothing depends', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [2]), graph.input('b', [2])];
    expect(gradients(graph, [{ tensor: add(a, a), seed: graph.input('dout', [2]) }], [b], add)).toEqual([
      null,
    ]);
  });
});

describe('planner', () => {
  it('uses two slots for a chain of any length', () => {
    const { graph, x } = chain(9, 7, 11);
    graph.output('y', x);
    const plan = planGraph(graph, traits);
    expect(plan.slotBytes).toEqual([7 * 11 * 4, 7 * 11 * 4, UNUSED]);
    expect(plan.poolBytes).toBe(2 * 7 * 11 * 4 + UNUSED);
  });

  it('never gives a pass one slot both to read and to write', () => {
    const { graph, x } = chain(5, 4, 4);
    const wrt = [0, 1, 2, 3, 4].map((i) => graph.input(`w${i}`, [4, 4]));
    graph.phase = 'backward';
    gradients(graph, [{ tensor: x, seed: graph.input('dout', [4, 4]) }], wrt, add).forEach((gradient, i) => {
      if (gradient) graph.output(`dw${i}`, gradient);
    });
    for (const { homes } of planGraph(graph, traits).passes) {
      const slots = homes.map((home) => ('slot' in home ? home.slot : null));
      for (const written of [OUT, slots.length - 1])
        expect(slots.filter((_, i) => i !== written)).not.toContain(slots[written]);
    }
  });

  it('gives what runs between two phases the room that is free then, and only that', () => {
    const { graph, x } = chain(4, 64, 64);
    graph.phase = 'later';
    graph.output('z', linear(x, graph.input('v', [64, 64]), null));
    const others = [chain(6, 64, 64), chain(3, 32, 64)].map((other) => {
      other.graph.output('y', other.x);
      return other.graph;
    });
    const { outer, inner } = planAround(graph, 'later', others, traits);
    const kept = outer.passes.at(3)?.homes[OUT];
    for (const { passes, poolBytes } of inner) {
      expect(poolBytes).toBe(outer.poolBytes);
      for (const { homes } of passes) expect(homes).not.toContainEqual(kept);
    }
    // What is kept, and the two of a chain.
    expect(outer.poolBytes).toBe(3 * 64 * 64 * 4 + UNUSED);
  });

  it('places nothing that an inner graph writes beside the output of the outer one that it reads', () => {
    const { graph, x } = chain(3, 64, 64);
    graph.output('e', linear(x, graph.input('narrow', [1, 64]), null));
    const reader = new Graph();
    const w = reader.input('w', [1, 1]);
    reader.output('f', linear(linear(reader.input('e', [64, 1]), w, null), w, null));
    const { outer, inner } = planAround(graph, null, [reader], traits);
    const slotOf = (home: object = {}) => ('slot' in home ? home.slot : null);
    const read = slotOf(outer.outputs.get('e')?.home);
    const written = inner[0]?.passes.map(({ homes }) => slotOf(homes[OUT])) ?? [];
    expect(written).toHaveLength(2);
    expect(written).not.toContain(read);
  });

  it('gives what runs ahead all room, and it keeps nothing', () => {
    const { graph, x } = chain(4, 64, 64);
    graph.output('y', x);
    const lower = chain(3, 64, 64);
    lower.graph.output('tokens', lower.x);
    const { outer, ahead } = planAround(graph, null, [], traits, lower.graph);
    expect(outer.poolBytes).toBe(planGraph(graph, traits).poolBytes);
    expect(ahead?.passes).toHaveLength(3);
    expect(ahead?.slotBytes).toEqual(outer.slotBytes);
    expect(ahead?.outputs.has('tokens')).toBe(true);
  });

  it('drops what no output needs', () => {
    const { graph, x } = chain(3, 2, 2);
    linear(x, graph.input('unused', [2, 2]), null);
    graph.output('y', x);
    const plan = planGraph(graph, traits);
    expect(plan.passes).toHaveLength(3);
    expect([...plan.inputs.keys()]).toEqual(['x', 'w0', 'w1', 'w2']);
  });

  it('refuses a dispatch that is over a limit of WebGPU', () => {
    const { graph, x } = chain(1, 2 ** 21, 32);
    graph.output('y', x);
    for (const isSoftware of [true, false]) {
      const plan = planGraph(graph, { ...traits, isSoftware });
      expect(() => plan.passes).toThrow(/^linear:matmul\/\S+: 1 × (131072|65536) × 1 workgroups$/);
    }
  });

  it('keeps an output to the end', () => {
    const { graph, x } = chain(3, 2, 2);
    graph.output('first', graph.nodes[0]?.outputs[0] ?? x);
    graph.output('last', x);
    const { outputs } = planGraph(graph, traits);
    expect(outputs.get('first')?.home).not.toEqual(outputs.get('last')?.home);
  });
});
