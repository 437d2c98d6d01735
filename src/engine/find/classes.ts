/** An object whose class is known. */
export interface KnownObject {
  readonly classValue: number;
  readonly feature: Float32Array;
}

/** A class, and how sure it is: the share of the probability, 0 to 1. */
export interface ToldClass {
  readonly classValue: number;
  readonly classConfidence: number;
}

/** Scales of the distances that are tried, over a wide range: channels depend on each other, so that plain sums are too sure. */
const SCALES = Array.from({ length: 25 }, (_, i) => 2 ** -i);

/**
 * Tells classes by the nearest mean of their objects, each channel divided by its spread within the classes: linear
 * discriminants with a diagonal covariance, which a handful of objects is enough for. How sure it is follows from the known
 * objects, each told without itself.
 */
export class ClassMeans {
  private constructor(
    private readonly means: readonly KnownObject[],
    private readonly spread: Float32Array,
    /** By which distances become confidences. */
    private readonly scale: number,
    /** Known objects that could be told without themselves, and how many of them rightly. */
    readonly checked: { readonly objects: number; readonly right: number },
  ) {}

  /** @returns null where the objects are not of two classes at least. */
  static of(objects: readonly KnownObject[]): ClassMeans | null {
    const values = [...new Set(objects.map(({ classValue }) => classValue))].sort((a, b) => a - b);
    const channels = objects[0]?.feature.length ?? 0;
    if (values.length < 2) return null;
    const counts = new Map<number, number>();
    const means = values.map((classValue) => {
      const own = objects.filter((object) => object.classValue === classValue);
      counts.set(classValue, own.length);
      const feature = new Float32Array(channels);
      for (let c = 0; c < channels; c++)
        feature[c] = own.reduce((sum, object) => sum + (object.feature[c] as number), 0) / own.length;
      return { classValue, feature };
    });
    const spread = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      let [within, all] = [0, 0];
      for (const { classValue, feature } of objects) {
        const mean = means.find((each) => each.classValue === classValue)?.feature[c] as number;
        within += ((feature[c] as number) - mean) ** 2;
        all += (feature[c] as number) ** 2;
      }
      // A channel that never varies within the few objects there are would decide alone.
      spread[c] = within / objects.length + (0.01 * all) / objects.length + 1e-12;
    }
    // Each object's distances to the means, its own class's without it; one that is alone in its class says nothing.
    const checks = objects.flatMap(({ classValue, feature }) => {
      const count = counts.get(classValue) ?? 0;
      if (count < 2) return [];
      const others = means.map((mean) =>
        mean.classValue === classValue
          ? { classValue, feature: without(feature, mean.feature, count) }
          : mean,
      );
      return [{ own: values.indexOf(classValue), distances: distancesTo(others, spread, feature) }];
    });
    const right = checks.filter(({ own, distances }) => nearestOf(distances) === own).length;
    return new ClassMeans(means, spread, bestScale(checks), { objects: checks.length, right });
  }

  /** The classes, ascending. */
  get values(): readonly number[] {
    return this.means.map(({ classValue }) => classValue);
  }

  /** The class whose mean is nearest; of equally near ones the lowest value. */
  classOf(feature: Float32Array): ToldClass {
    const distances = distancesTo(this.means, this.spread, feature);
    const best = nearestOf(distances);
    const { classValue } = this.means[best] as KnownObject;
    return { classValue, classConfidence: confidenceOf(distances, best, this.scale) };
  }

  /** What decides, so that it can be told from others. */
  get tensors(): ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }> {
    return new Map([
      ...this.means.map(({ classValue, feature }) => [`class ${classValue}`, asTensor(feature)] as const),
      ['spread', asTensor(this.spread)],
    ]);
  }
}

const asTensor = (data: Float32Array) => ({ shape: [data.length], data });

/** A mean of `count` features as it is without one of them. */
const without = (feature: Float32Array, mean: Float32Array, count: number): Float32Array =>
  mean.map((value, c) => (count * value - (feature[c] as number)) / (count - 1));

function distancesTo(
  means: readonly KnownObject[],
  spread: Float32Array,
  feature: Float32Array,
): readonly number[] {
  return means.map(({ feature: mean }) => {
    let distance = 0;
    for (let c = 0; c < mean.length; c++)
      distance += ((feature[c] as number) - (mean[c] as number)) ** 2 / (spread[c] as number);
    return distance;
  });
}

const nearestOf = (distances: readonly number[]): number => distances.indexOf(Math.min(...distances));

function confidenceOf(distances: readonly number[], at: number, scale: number): number {
  const own = distances[at] as number;
  return 1 / distances.reduce((sum, distance) => sum + Math.exp((scale * (own - distance)) / 2), 0);
}

/** The scale at which the known objects' own classes are most likely; the largest where none can be checked. */
function bestScale(
  checks: readonly { readonly own: number; readonly distances: readonly number[] }[],
): number {
  let [best, most] = [1, Number.NEGATIVE_INFINITY];
  for (const scale of SCALES) {
    const likelihood = checks.reduce(
      // At least 1e-9: one object that is far from its class must not decide alone.
      (sum, { own, distances }) => sum + Math.log(confidenceOf(distances, own, scale) + 1e-9),
      0,
    );
    if (likelihood > most) [best, most] = [scale, likelihood];
  }
  return best;
}
