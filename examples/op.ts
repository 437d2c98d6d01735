/** One op forward and backward: y = x · wᵀ + b, and the gradient of Σ dy · y with respect to w. */
import { openNodeGpu } from '../src/cli/node-gpu.ts';
import { Executable, Pool } from '../src/graph/executable.ts';
import { gradients } from '../src/graph/grad.ts';
import { Graph } from '../src/graph/graph.ts';
import { planGraph } from '../src/graph/plan.ts';
import { add } from '../src/ops/add/add.ts';
import { linear } from '../src/ops/linear/linear.ts';

const graph = new Graph();
const [x, w, b, dy] = [
  graph.input('x', [2, 2]),
  graph.input('w', [3, 2]),
  graph.input('b', [3]),
  graph.input('dy', [2, 3]),
];
const y = graph.output('y', linear(x, w, b));
const [dw] = gradients(graph, [{ tensor: y, seed: dy }], [w], add);
if (dw) graph.output('dw', dw);

const gpu = await openNodeGpu();
const plan = planGraph(graph, gpu.traits);
const values = { x: [1, 2, 3, 4], w: [1, -1, 2, 0, 0, 1], b: [10, 20, 30], dy: [1, 0, 0, 0, 1, 0] };
const inputs = new Map(
  Object.entries(values).map(([name, list]) => [name, gpu.upload(Float32Array.from(list), name)]),
);
const pool = Pool.allocate(gpu, [plan], 'pool');
const executable = await Executable.create(gpu, plan, pool, (name) => inputs.get(name));
await executable.run();
const [forward, backward] = await gpu.read(executable.output('y'), executable.output('dw'));
console.log(`y = ${forward}\ndw = ${backward}`);
gpu.destroy();
