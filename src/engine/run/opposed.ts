import type { DatasetSample } from '../../data/dataset.ts';
import type { OpposedDatasets, RunDataset } from './run-types.ts';

/** Of the smaller dataset's labelled images; fewer in common may be chance, or corrections. */
const LEAST_SHARE = 0.5;

/**
 * Which datasets of a run contradict each other. Images are the same if their files have the same name and size, and masks are
 * other ones if the sizes of their files differ: no file is read.
 */
export function opposedDatasets(datasets: readonly RunDataset[]): readonly OpposedDatasets[] {
  const listed = datasets.map((dataset) => ({ name: dataset.name, known: labelledImages(dataset) }));
  return listed.flatMap((second, i) =>
    listed.slice(0, i).flatMap((first): OpposedDatasets[] => {
      const images = [...second.known].filter(
        ([image, masks]) => first.known.has(image) && first.known.get(image) !== masks,
      ).length;
      const isMost = images >= LEAST_SHARE * Math.min(first.known.size, second.known.size);
      return images > 0 && isMost ? [opposed([first.name, second.name], images)] : [];
    }),
  );
}

/** What stands for the masks of each image of a split, by what stands for the image. */
function labelledImages({ dataset, split }: RunDataset): Map<string, string> {
  const chosen = new Set([...split.train, ...split.val, ...split.test]);
  const bySample = ({ name, image }: DatasetSample) => `${name.split('/').at(-1)} ${image.size}`;
  return new Map(
    dataset.samples
      .filter(({ name }) => chosen.has(name))
      .map((sample) => [bySample(sample), masksOf(sample)]),
  );
}

function masksOf({ mask, instances, labels, objectMasks = [] }: DatasetSample): string {
  return [mask, instances, labels, ...objectMasks].map((file) => file?.size ?? '').join();
}

function opposed(names: readonly [string, string], images: number): OpposedDatasets {
  const same = images === 1 ? 'image' : `${images} images`;
  const sentence = `“${names[0]}” and “${names[1]}” want other objects of the same ${same}: a click can mean either, and the run learns something between them.`;
  return { names, images, sentence };
}
