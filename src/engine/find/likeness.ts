/**
 * How much an answer of the model is like labelled objects. SAM's own estimate of a mask knows nothing of what a person looks for; a
 * linear model of a few hundred numbers, learnt from some labelled images in a second, does.
 */
import type { FoundObject, Proposal } from './select.ts';

/** An answer on a labelled image, and its IoU with the known object that it shows best. */
export interface LikenessExample {
  readonly proposal: Proposal & { readonly feature: Float32Array };
  readonly iou: number;
}

export interface LearntLikeness {
  readonly likeness: Likeness;
  /** By image the likeness of each of its examples, as told by the other images alone. */
  readonly apart: readonly (readonly number[])[];
}

/** IoU up to which an answer is wrong, and from which on it is as right as can be. */
const [WRONG, RIGHT] = [0.3, 0.8];
/** IoU of an answer that shows an object. */
const SHOWS = 0.5;
/** How much weights are held back, for each example; the ones that tell left-out images best are taken. */
const RIDGES = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** Estimates and shape are few and say more than a channel: they are held back less. */
const TRAIT_RIDGE = 0.1;

/** Ridge regression of how right an answer is, on the model's own estimates, size, shape, and the embedding's channels. */
export class Likeness {
  private constructor(
    private readonly weights: Float64Array,
    private readonly offset: number,
  ) {}

  /**
   * @param images examples by image.
   * @param settle called between two solutions, so that others get the thread.
   * @returns null unless two images show an object at least: what is learnt from one could not be checked.
   */
  static async learn(
    images: readonly (readonly LikenessExample[])[],
    settle: () => Promise<void> = () => Promise.resolve(),
  ): Promise<LearntLikeness | null> {
    if (images.filter((examples) => examples.some(({ iou }) => iou >= SHOWS)).length < 2) return null;
    const targets = images.map((examples) =>
      examples.map(({ iou }) => Math.min(1, Math.max(0, (iou - WRONG) / (RIGHT - WRONG)))),
    );
    const count = targets.reduce((sum, { length }) => sum + length, 0);
    const mean = targets.flat().reduce((sum, target) => sum + target, 0) / count;
    const inputs = images.map((examples) =>
      examples.map(({ proposal }) => inputOf(proposal, proposal.feature)),
    );
    const scaling = scalingOf(inputs.flat());
    const scaled = inputs.map((rows) => rows.map(scaling.scaled));
    const parts: NormalEquations[] = [];
    for (const [k, rows] of scaled.entries()) {
      await settle();
      parts.push(normalEquations(rows, targets[k]?.map((target) => target - mean) ?? []));
    }
    const all = sumOf(parts);
    let best: { error: number; ridge: number; apart: number[][] } | null = null;
    for (const each of RIDGES) {
      const ridge = each * count;
      let error = 0;
      const apart: number[][] = [];
      for (const [k, rows] of scaled.entries()) {
        await settle();
        const weights = solved(all, ridge, parts[k]);
        const told = rows.map((row) => mean + dot(weights, row));
        error += told.reduce((sum, value, i) => sum + (value - (targets[k]?.[i] ?? 0)) ** 2, 0);
        apart.push(told.map(within));
      }
      if (!best || error < best.error) best = { error, ridge, apart };
    }
    if (!best) return null;
    const { weights, offset } = scaling.unscaled(solved(all, best.ridge), mean);
    return { likeness: new Likeness(weights, offset), apart: best.apart };
  }

  /** 0: like nothing that is labelled, 1: like a labelled object, drawn well. @param feature of its pixels. */
  of(found: Described, feature: Float32Array): number {
    return within(this.offset + dot(this.weights, inputOf(found, feature)));
  }

  /** What decides, so that it can be told from others. */
  get tensors(): ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }> {
    const data = Float32Array.of(this.offset, ...this.weights);
    return new Map([['likeness', { shape: [data.length], data }]]);
  }
}

type Described = Pick<FoundObject, 'predictedIou' | 'stability' | 'area' | 'box'>;

const within = (value: number): number => Math.min(1, Math.max(0, value));

/** How many of the numbers of {@link inputOf} come before the embedding's channels. */
const TRAITS = 7;

function inputOf(
  { predictedIou, stability, area, box: [x0, y0, x1, y1] }: Described,
  feature: Float32Array,
): Float64Array {
  const [width, height] = [x1 - x0, y1 - y0];
  const size = Math.log(area);
  const input = new Float64Array(TRAITS + feature.length);
  input.set([
    predictedIou,
    stability,
    predictedIou * stability,
    size,
    size * size,
    area / (width * height),
    Math.log(width / height),
  ]);
  input.set(feature, TRAITS);
  return input;
}

/** The square of a spread that is rounding, as a part of the mean's. */
const NO_SPREAD = 1e-20;

/** Inputs with mean 0 and spread 1, and the way back for weights. */
function scalingOf(inputs: readonly Float64Array[]) {
  const means = new Float64Array(inputs[0]?.length ?? 0);
  const squares = means.slice();
  for (const input of inputs)
    for (let i = 0; i < means.length; i++) add(means, i, at(input, i) / inputs.length);
  for (const input of inputs)
    for (let i = 0; i < means.length; i++)
      add(squares, i, (at(input, i) - at(means, i)) ** 2 / inputs.length);
  // A number that never varies, but for rounding, has no say.
  const factors = squares.map((square, i) =>
    square > NO_SPREAD * at(means, i) ** 2 ? 1 / Math.sqrt(square) : 0,
  );
  return {
    scaled: (input: Float64Array) => input.map((value, i) => (value - at(means, i)) * at(factors, i)),
    unscaled: (weights: Float64Array, mean: number) => {
      const own = weights.map((weight, i) => weight * at(factors, i));
      return { weights: own, offset: mean - dot(own, means) };
    },
  };
}

/** XᵀX [n, n], of which the lower triangle is filled, and Xᵀy [n]. */
interface NormalEquations {
  readonly gram: Float64Array;
  readonly right: Float64Array;
}

function normalEquations(rows: readonly Float64Array[], targets: readonly number[]): NormalEquations {
  const n = rows[0]?.length ?? 0;
  const gram = new Float64Array(n * n);
  const right = new Float64Array(n);
  for (const [r, row] of rows.entries()) {
    for (let i = 0; i < n; i++) {
      const value = at(row, i);
      add(right, i, value * (targets[r] ?? 0));
      for (let j = 0; j <= i; j++) add(gram, i * n + j, value * at(row, j));
    }
  }
  return { gram, right };
}

function sumOf(parts: readonly NormalEquations[]): NormalEquations {
  const n = Math.max(...parts.map(({ right }) => right.length));
  const sum = { gram: new Float64Array(n * n), right: new Float64Array(n) };
  for (const { gram, right } of parts) {
    for (const [i, value] of gram.entries()) add(sum.gram, i, value);
    for (const [i, value] of right.entries()) add(sum.right, i, value);
  }
  return sum;
}

/** The weights that solve the equations, without one part of them, with a ridge: by Cholesky's factors L Lᵀ. */
function solved(all: NormalEquations, ridge: number, left?: NormalEquations): Float64Array {
  const n = all.right.length;
  const factor = all.gram.slice();
  const weights = all.right.slice();
  if (left) {
    for (const [i, value] of left.gram.entries()) add(factor, i, -value);
    for (const [i, value] of left.right.entries()) add(weights, i, -value);
  }
  for (let i = 0; i < n; i++) add(factor, i * n + i, i < TRAITS ? TRAIT_RIDGE * ridge : ridge);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = at(factor, i * n + j);
      for (let k = 0; k < j; k++) sum -= at(factor, i * n + k) * at(factor, j * n + k);
      factor[i * n + j] = i === j ? Math.sqrt(sum) : sum / at(factor, j * n + j);
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) add(weights, i, -at(factor, i * n + k) * at(weights, k));
    weights[i] = at(weights, i) / at(factor, i * n + i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) add(weights, i, -at(factor, k * n + i) * at(weights, k));
    weights[i] = at(weights, i) / at(factor, i * n + i);
  }
  return weights;
}

const at = (values: Float64Array, i: number): number => values[i] as number;

function add(values: Float64Array, i: number, value: number): void {
  values[i] = at(values, i) + value;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}
