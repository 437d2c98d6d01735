import { describe, expect, it } from 'vitest';
import { Graph } from '../../../graph/graph.ts';
import { add } from '../../../ops/add/add.ts';
import { matmul } from '../../../ops/matmul/matmul.ts';
import { forwardInFloat64 } from './float64.ts';
import { transposed } from './numbers.ts';

describe('forwardInFloat64', () => {
  it('runs a traced graph, views included, and leaves later phases alone', () => {
    const graph = new Graph();
    const product = matmul(graph.input('a', [2, 2]), graph.input('b', [2, 1]));
    const sum = add(product.view([2]), graph.input('c', [2]));
    graph.phase = 'backward';
    add(sum, graph.input('never given', [2]));
    const inputs = new Map([
      ['a', Float64Array.of(1, 2, 3, 4)],
      ['b', Float64Array.of(10, 100)],
      ['c', Float64Array.of(0.5, 0.25)],
    ]);
    expect([...forwardInFloat64(graph, inputs, sum)]).toEqual([210.5, 430.25]);
  });
});

describe('transposed', () => {
  it('turns [2, 3] into [3, 2]', () => {
    expect([...transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});
