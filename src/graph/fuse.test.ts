import { describe, expect, it } from 'vitest';
import { accumulate } from '../ops/accumulate/accumulate.ts';
import { relu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { fused, fusionRules } from '../ops/fusion.ts';
import { linear } from '../ops/linear/linear.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { sumLeading } from '../ops/sum-leading/sum-leading.ts';
import { fuse } from './fuse.ts';
import { Graph } from './graph.ts';
import { planGraph } from './plan.ts';

const TRAITS = { isSoftware: true, hasSubgroups: false };

const names = (graph: Graph, traits = TRAITS) =>
  fuse(graph, fusionRules(traits)).nodes.map(({ op }) => op.name);

/** x [2, 3], w and v [3, 3]. */
function start() {
  const graph = new Graph();
  const [x, w, v] = [graph.input('x', [2, 3]), graph.input('w', [3, 3]), graph.input('v', [3, 3])];
  return { graph, x, w, v };
}

describe('fuse', () => {
  it('drops what nothing needs, and what it fuses can be planned', () => {
    const { graph, x, w, v } = start();
    const hidden = relu(linear(x, w, null));
    linear(x, v, null);
    graph.output('y', add(linear(hidden, v, null), x));
    expect(names(graph)).toEqual(['product', 'product']);
    const plan = planGraph(graph, TRAITS);
    expect(plan.passes).toHaveLength(2);
    expect(plan.outputs.get('y')?.bytes).toBe(24);
  });

  it('is for GPUs: a software adapter runs the plain graph', () => {
    const plain = ['linear', 'activation'];
    for (const [isSoftware, ops] of [
      [true, plain],
      [false, ['product']],
    ] as const) {
      const { graph, x, w } = start();
      graph.output('y', relu(linear(x, w, null)));
      expect(fused(graph, { ...TRAITS, isSoftware }).nodes.map(({ op }) => op.name)).toEqual(ops);
    }
  });

  it('keeps a value that something else reads, or that is an output', () => {
    const { graph, x, w, v } = start();
    const before = linear(x, w, null);
    graph.output('y', linear(relu(before), v, null));
    graph.output('before', before);
    expect(names(graph)).toEqual(['product', 'linear']);
    expect(graph.nodes[0]?.outputs).toContain(before);
    const other = start();
    const read = linear(other.x, other.w, null);
    other.graph.output('sum', add(read, other.x));
    other.graph.output('y', linear(read, other.v, null));
    expect(names(other.graph), 'a sum beside what is read elsewhere').toEqual(['linear', 'add', 'linear']);
    expect(names(other.graph, { ...TRAITS, isSoftware: false }), 'on a GPU').toEqual(['product', 'linear']);
    expect(other.graph.nodes[0]?.outputs).toContain(read);
  });

  it('leaves a value alone that is made in an earlier phase', () => {
    const { graph, x, w } = start();
    const hidden = linear(x, w, null);
    graph.phase = 'later';
    graph.output('y', relu(hidden));
    expect(names(graph)).toEqual(['linear', 'activation']);
  });

  it('runs a fused node where all that it reads is there', () => {
    const { graph, x, w, v } = start();
    const early = linear(x, w, null);
    const late = relu(linear(x, v, null));
    graph.output('y', add(early, late));
    expect(names(graph)).toEqual(['linear', 'product']);
    expect(graph.nodes[1]?.inputs.at(-1)?.root).toBe(graph.nodes[0]?.outputs[0]);
  });

  it('adds up gradients where they are made, those of bias and weight at once', () => {
    const { graph, x, w, v } = start();
    const dout = linear(x, w, null);
    const dw = matmul(dout, x, { aT: true });
    graph.output('y', linear(dout, v, null));
    accumulate(graph.input('grad.w', [3, 3]), dw);
    accumulate(graph.input('grad.b', [3]), sumLeading(dout, [3]));
    expect(names(graph)).toEqual(['linear', 'accumulateProduct', 'linear']);
  });

  it('does not move an accumulation past another one of the same tensor', () => {
    const { graph, x, w } = start();
    const [dw, more] = [matmul(x, x, { aT: true }), linear(w, w, null)];
    const target = graph.input('grad.w', [3, 3]);
    accumulate(target, more);
    accumulate(target, dw);
    expect(names(graph)).toEqual(['matmul', 'linear', 'accumulate', 'accumulate']);
  });
});
