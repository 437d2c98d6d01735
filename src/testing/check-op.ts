import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, Pool } from '../graph/executable.ts';
import { gradients } from '../graph/grad.ts';
import { type AnyOp, Graph, type OpCase } from '../graph/graph.ts';
import { planGraph } from '../graph/plan.ts';
import { sizeOf } from '../graph/shape.ts';
import { add } from '../ops/add/add.ts';
import { relativeError } from './allclose.ts';
import { normals, uniform } from './random.ts';

/** One number that a check produced, with what it may be at most. */
export interface Finding {
  readonly what: string;
  readonly error: number;
  readonly tolerance: number;
}

const FORWARD_TOLERANCE = 2e-5;
const GRADIENT_TOLERANCE = 1e-3;
const STEP = 1e-4;
/** Elements of an input whose derivative is checked one by one; a random direction checks all of them together. */
const ELEMENTS = 24;

/**
 * Checks one op at one configuration: the GPU's outputs against the float64 reference, and the GPU's gradient of
 * `Σ dout · out` with a random `dout` against central differences of that reference.
 * @returns the findings and the names of all ops that ran.
 */
export async function checkOp(
  gpu: Gpu,
  op: AnyOp,
  opCase: OpCase<unknown>,
  seed = 1,
): Promise<{ findings: Finding[]; ran: Set<string> }> {
  const reference = op.reference;
  if (typeof reference !== 'function') throw new RangeError(`${op.name} has no reference of its own`);
  const shapes = opCase.inputs;
  const values = shapes.map(
    (shape, i) => shape && (opCase.values?.[i]?.(shape) ?? normals(sizeOf(shape), seed + i)),
  );
  const evaluate = (inputs: (Float64Array | null)[]) => reference(inputs, shapes, opCase.attrs);
  const expected = evaluate(values);

  const graph = new Graph();
  const tensors = shapes.map((shape, i) => (shape ? graph.input(op.inputs[i], shape) : null));
  const outputs = graph.apply(op, tensors, opCase.attrs);
  outputs.forEach((tensor, i) => {
    graph.output(`out${i}`, tensor);
  });
  const [value] = outputs;
  const differentiable = op.inputs.filter(
    (name: string, i: number) => tensors[i] && op.backward[name] !== 'none',
  );
  let dout: Float64Array | null = null;
  if (value && differentiable.length > 0) {
    dout = normals(sizeOf(value.shape), seed + 1000);
    graph.phase = 'backward';
    const seedTensor = graph.input('dout', value.shape);
    const wrt = differentiable.map((name: string) =>
      graph.input(name, shapes[op.inputs.indexOf(name)] ?? []),
    );
    gradients(graph, [{ tensor: value, seed: seedTensor }], wrt, add).forEach((gradient, i) => {
      if (!gradient) throw new RangeError(`${op.name}: no gradient for ${differentiable[i]}`);
      graph.output(`d${differentiable[i]}`, gradient);
    });
  }
  const plan = planGraph(graph, gpu.traits);
  const ranges = new Map<string, BufferRange>();
  values.forEach((array, i) => {
    if (array) ranges.set(op.inputs[i], gpu.upload(Float32Array.from(array), op.inputs[i]));
  });
  if (dout) ranges.set('dout', gpu.upload(Float32Array.from(dout), 'dout'));
  const pool = Pool.allocate(gpu, [plan], op.name);
  const findings: Finding[] = [];
  const tolerance = opCase.tolerance;
  try {
    const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
    await executable.run();
    const read = async (range: BufferRange | undefined) =>
      range ? ((await gpu.read(range))[0] ?? new Float32Array()) : new Float32Array();
    const mutated: string[] = (op.mutates ?? []).filter((name: string) => ranges.has(name));
    const targets = [
      ...mutated.map((name) => ({ what: `${name} after`, range: ranges.get(name) })),
      ...outputs.map((_, i) => ({ what: `out${i}`, range: executable.output(`out${i}`) })),
    ];
    for (const [i, want] of expected.entries()) {
      findings.push({
        what: targets[i]?.what ?? `value ${i}`,
        error: relativeError(await read(targets[i]?.range), want),
        tolerance: tolerance ?? FORWARD_TOLERANCE,
      });
    }
    for (const name of differentiable) {
      const got = await read(executable.output(`d${name}`));
      findings.push(
        ...compareWithDifferences(
          name,
          got,
          op.inputs.indexOf(name),
          values,
          dout ?? new Float64Array(),
          evaluate,
          seed,
        ),
      );
    }
  } finally {
    pool.release();
    for (const range of ranges.values()) gpu.release(range.buffer);
  }
  return { findings, ran: new Set(plan.passes.map((pass) => pass.label.split(':')[0] ?? '')) };
}

function compareWithDifferences(
  name: string,
  got: Float32Array,
  index: number,
  values: readonly (Float64Array | null)[],
  dout: Float64Array,
  evaluate: (inputs: (Float64Array | null)[]) => readonly Float64Array[],
  seed: number,
): Finding[] {
  const input = values[index] ?? new Float64Array();
  const loss = (changed: Float64Array) => {
    const out = evaluate(values.map((array, i) => (i === index ? changed : array)))[0] ?? new Float64Array();
    return out.reduce((sum, value, i) => sum + value * (dout[i] ?? 0), 0);
  };
  const derivative = (direction: Float64Array) => {
    const at = (step: number) => loss(input.map((value, i) => value + step * (direction[i] ?? 0)));
    return (at(STEP) - at(-STEP)) / (2 * STEP);
  };
  const next = uniform(seed + 77);
  const all = input.length <= ELEMENTS;
  const chosen = Array.from({ length: all ? input.length : ELEMENTS }, (_, i) =>
    all ? i : Math.floor(next() * input.length),
  );
  const wanted = chosen.map((i) => {
    const direction = new Float64Array(input.length);
    direction[i] = 1;
    return derivative(direction);
  });
  const largest = got.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const error =
    Math.max(...chosen.map((i, k) => Math.abs((got[i] ?? Number.NaN) - (wanted[k] ?? 0)))) /
    Math.max(largest, 1e-6);
  const direction = normals(input.length, seed + 99);
  const along = got.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
  const scale = Math.hypot(...got) * Math.sqrt(1) + 1e-6;
  return [
    {
      what: `d${name} by element`,
      error: Number.isNaN(error) ? Number.POSITIVE_INFINITY : error,
      tolerance: GRADIENT_TOLERANCE,
    },
    {
      what: `d${name} along a direction`,
      error: Math.abs(along - derivative(direction)) / scale,
      tolerance: GRADIENT_TOLERANCE,
    },
  ];
}
