/** Drawn datasets, image by image, and the image of the first minute. */
import type { Dataset, DatasetSample } from '../data/dataset.ts';
import { clickPointOf } from '../data/distance-transform.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { LazyFile } from '../data/lazy-file.ts';
import { findObjects } from '../data/objects.ts';
import type { RgbImage, Split } from '../data/types.ts';
import { DEMO_IMAGES, type DemoSample, demoDomains, drawDemo } from '../engine/demo/domains.ts';
import { drawCells } from '../engine/demo/whole-cells.ts';
import type { DemoImage, RequestOf } from './protocol.ts';
import type { CallContext } from './serve.ts';

/** A dataset that is drawn. */
interface Drawn {
  readonly id: string;
  readonly name: string;
  readonly images: readonly { readonly split?: Split; readonly draw: () => DemoSample }[];
}

/** The first minute's cells: 8 images to learn from, 2 that are looked at meanwhile, 4 for the test. */
const CELLS: Drawn = {
  id: 'cells',
  name: 'First minute: cells',
  images: Array.from({ length: 14 }, (_, i) => ({
    split: i < 8 ? 'train' : i < 10 ? 'val' : 'test',
    draw: () => drawCells(i),
  })),
};

const DOMAINS: readonly Drawn[] = demoDomains.map((domain) => ({
  id: domain.id,
  name: domain.name,
  images: Array.from({ length: DEMO_IMAGES }, (_, i) => ({ draw: () => drawDemo(domain, i) })),
}));

/** Draws datasets; cancelling leaves out those that were not finished. Progress in images. */
export async function drawnDatasets(
  which: RequestOf<'data.addDemo'>['which'],
  call: CallContext,
): Promise<Dataset[]> {
  const wanted = which === 'cells' ? [CELLS] : DOMAINS;
  const total = wanted.reduce((sum, { images }) => sum + images.length, 0);
  const datasets: Dataset[] = [];
  let done = 0;
  for (const { id, name: called, images } of wanted) {
    const samples: DatasetSample[] = [];
    for (const { split, draw } of images) {
      // Messages, a cancelling one among them, get their turn between two images.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (call.signal.aborted) return datasets;
      const { image, objects } = draw();
      const name = `${id}-${String(samples.length + 1).padStart(2, '0')}.png`;
      samples.push({
        name,
        image: fileOf(`images/${name}`, encodeImagePng(image)),
        instances: fileOf(`instances/${name}`, encodeMaskPng(objects)),
        ...(split && { split }),
      });
      done += 1;
      call.progress({ done, total, label: `Drawing ${called}` });
    }
    datasets.push({ name: called, samples });
  }
  return datasets;
}

/** The image of the first minute: one that neither its dataset nor the training of its adapter has. */
const SHOWN = 100;
/** The largest objects, which are clicked on. */
const SHOWN_CLICKS = 12;

export function shownCells(): { readonly image: RgbImage } & Pick<DemoImage, 'labels' | 'clicks'> & {
    readonly labels: Uint16Array<ArrayBuffer>;
  } {
  const { image, objects: map } = drawCells(SHOWN);
  const objects = findObjects(map, 'ids');
  const clicks = objects.regions
    .slice(0, SHOWN_CLICKS)
    .map((region) => ({ object: region.id, ...clickPointOf(objects, region) }));
  return { image, labels: Uint16Array.from(objects.map), clicks };
}

function fileOf(path: string, bytes: Uint8Array): LazyFile {
  return { path, size: bytes.length, bytes: async () => bytes };
}
