/**
 * Which of the datasets that an adapter tells apart is meant: by its name, or where a person does not say by how alike its
 * images are to the base model. A run keeps the mean feature of each dataset for that.
 */
import * as v from 'valibot';
import { Failure } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { tellsDatasetsApart } from '../peft/datasets.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import type { EvaluationSet } from '../train/training-set.ts';
import type { ModelSession, Tuning } from './tuning.ts';

/** Training images of a dataset whose features are averaged. */
const FEATURE_IMAGES = 4;

/** The dataset that is asked for, and how that is known. */
export interface AskedDataset {
  readonly index: number;
  readonly name: string;
  /** The person said so; its images are nearest; or nothing is known, and it is the first. */
  readonly by: 'name' | 'features' | 'default';
}

/** A choice of dataset, and between which. */
export interface DatasetChoice extends AskedDataset {
  readonly names: readonly string[];
}

/** The datasets that an adapter tells apart, by their index; none where it tells none apart. */
export function datasetsOf({ mopeft }: Pick<Adapter, 'mopeft'>): readonly string[] {
  return tellsDatasetsApart(mopeft) ? (mopeft.datasets ?? []) : [];
}

/** The dataset of a name. @throws Failure `adapter/no-dataset` with the names that there are. */
export function namedDataset(adapter: Pick<Adapter, 'mopeft'>, name: string): AskedDataset {
  const names = datasetsOf(adapter);
  const index = names.indexOf(name);
  if (index >= 0) return { index, name, by: 'name' };
  throw new Failure({
    code: 'adapter/no-dataset',
    what:
      names.length > 0
        ? `The adapter was not trained on a dataset of this name, but on ${names.join(', ')}.`
        : 'The adapter tells no datasets apart.',
    where: name,
    cure: names.length > 0 ? 'Give one of these names, as they are written here.' : 'Leave out the name.',
  });
}

/**
 * The dataset whose images are most alike, by the cosine of features; the first where the adapter has no features. Null
 * where it tells fewer than two apart.
 * @param feature gives that of what is segmented, as {@link imageFeature} does.
 */
export async function nearestDataset(
  adapter: Pick<Tuning, 'mopeft' | 'training'>,
  feature: () => Promise<Float32Array>,
): Promise<AskedDataset | null> {
  const names = datasetsOf(adapter);
  const [first] = names;
  if (first === undefined || names.length < 2) return null;
  const known = featuresOf(adapter, names.length);
  if (!known) return { index: 0, name: first, by: 'default' };
  const own = await feature();
  const likeness = known.map((mean) => cosine(mean, own));
  const index = likeness.indexOf(Math.max(...likeness));
  return { index, name: names[index] ?? first, by: 'features' };
}

/** The feature of an image for {@link nearestDataset}: its embedding's mean over the cells, [D]. @param session of the base model. */
export async function imageFeature(session: ModelSession, input: Float32Array): Promise<Float32Array> {
  await session.encode(input);
  return featureOf(await session.sam.embeddings(), session.sam.config);
}

/** The feature of what the base model made of an image. */
export function featureOf(
  { embedding }: Embeddings<Float32Array>,
  { outputChannels }: Pick<SamConfig, 'outputChannels'>,
): Float32Array {
  return meanRows(embedding, outputChannels);
}

/** The mean feature of a dataset's images, of the first few. @param names of its images, in their order. */
export async function datasetFeature(
  session: ModelSession,
  { open }: Pick<EvaluationSet, 'open'>,
  names: readonly string[],
  beforeImage?: () => Promise<void>,
): Promise<Float32Array> {
  const { outputChannels: width } = session.sam.config;
  const features: number[] = [];
  for (const name of names.slice(0, FEATURE_IMAGES)) {
    await beforeImage?.();
    const opened = await open(name, { maxObjects: 1 });
    if (!opened.ok) continue;
    if (opened.value.views > 0) {
      const { input } = await opened.value.view(0);
      features.push(...(await imageFeature(session, input.data)));
    }
    opened.value.release();
  }
  return features.length > 0 ? meanRows(Float32Array.from(features), width) : new Float32Array(width);
}

/** A feature as an adapter's record holds it. */
export function writeFeature(feature: Float32Array): string {
  return Array.from(feature, (value) => Number(value.toPrecision(4))).join(' ');
}

const FeaturesSchema = v.array(v.string());

/** The mean features that an adapter's record holds of its datasets; null where it holds others or none. */
function featuresOf({ training = {} }: Pick<Tuning, 'training'>, count: number): Float32Array[] | null {
  const parsed = v.safeParse(FeaturesSchema, training.features);
  if (!parsed.success || parsed.output.length !== count) return null;
  const features = parsed.output.map((text) => Float32Array.from(text.split(' '), Number));
  const isWhole = features.every(
    (feature) => feature.length === features[0]?.length && feature.every(Number.isFinite),
  );
  return isWhole ? features : null;
}

function meanRows(rows: Float32Array, width: number): Float32Array {
  const mean = new Float32Array(width);
  const count = rows.length / width;
  for (let i = 0; i < rows.length; i++) mean[i % width] = (mean[i % width] ?? 0) + (rows[i] ?? 0) / count;
  return mean;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(Math.max(Number.MIN_VALUE, dot(a, a) * dot(b, b)));
}
