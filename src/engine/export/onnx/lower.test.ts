import { describe, expect, it } from 'vitest';
import { Graph } from '../../../graph/graph.ts';
import { attachModules } from '../../../peft/build.ts';
import { GATE_FORMS } from '../../../peft/gates/registry.ts';
import { METHODS } from '../../../peft/registry.ts';
import { resolveMopeft } from '../../../peft/resolve.ts';
import { decodeGraph, encodeGraph, imagePeGraph } from '../../../sam/graphs.ts';
import { graphInputs } from '../../../sam/weight-source.ts';
import { MICRO_SAM } from '../../../testing/micro-model.ts';
import { LOWERINGS, lowerGraph } from './lower.ts';
import { MANY_OBJECTS, MANY_TOKENS } from './node-context.ts';
import { OnnxModel } from './onnx-model.ts';
import { bytesField, bytesOf, intField } from './protobuf.ts';

/** Bytes of a graph whose weights are all 0. */
function lowered(graph: Graph, given: readonly string[] = []): number {
  const model = new OnnxModel('test');
  const sizes = new Map(
    [...graph.inputs].map(([name, { shape }]) => [name, shape.reduce((a, b) => a * b, 1)]),
  );
  lowerGraph(model, graph, {
    given: (name) => (given.includes(name) ? name : null),
    weight: (name) => new Float32Array(sizes.get(name) ?? 0),
    objects: 'objects',
  });
  return model.bytes().length;
}

describe('a graph in ONNX', () => {
  it.each(METHODS.map(({ id }) => id))('%s: has an encoder with each form of gates', (id) => {
    for (const { id: gate } of GATE_FORMS) {
      const config = resolveMopeft({ methods: [id], gate, datasets: ['a', 'b'] }, MICRO_SAM);
      const graph = encodeGraph(
        MICRO_SAM,
        (own) => attachModules(own, config, graphInputs(own), 'evaluation').slots,
      );
      expect(lowered(graph, ['image'])).toBeGreaterThan(1000);
    }
  });

  it('has a decoder for any number of objects and tokens, none of whose sizes is left in it', () => {
    const shape = { objects: MANY_OBJECTS, tokens: MANY_TOKENS, hasMask: false };
    const given = ['embedding', 'imagePe', 'coords', 'labels'];
    expect(lowered(decodeGraph(MICRO_SAM, shape), given)).toBeLessThan(100_000);
    expect(lowered(imagePeGraph(MICRO_SAM))).toBeGreaterThan(100);
  });

  it('names what it cannot write', () => {
    const graph = new Graph();
    const op = { ...resolvable, name: 'unheard-of' };
    graph.output('y', graph.apply1(op, [graph.input('x', [1])], {}));
    expect(() => lowered(graph)).toThrow('unheard-of has no form in ONNX');
    expect('unheard-of' in LOWERINGS).toBe(false);
  });
});

const resolvable = {
  inputs: ['x'],
  shapes: () => [[1]],
  passes: () => [],
  backward: { x: 'none' },
  reference: () => [],
  cases: [],
} as const;

it('writes fields as protocol buffers have them', () => {
  // From protobuf.dev: field 1 with 150; and numbers below 0 as ten bytes.
  expect([...bytesOf(intField(1, 150))]).toEqual([0x08, 0x96, 0x01]);
  expect([...bytesOf(intField(1, -2))]).toEqual([8, 0xfe, ...Array(8).fill(0xff), 1]);
  expect([...bytesOf(bytesField(2, new TextEncoder().encode('testing')))]).toEqual([
    0x12,
    7,
    ...new TextEncoder().encode('testing'),
  ]);
});
