/** The demo's domains as datasets, drawn image by image. */
import type { Dataset, DatasetSample } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { LazyFile } from '../data/lazy-file.ts';
import { DEMO_IMAGES, demoDomains, drawDemo } from '../engine/demo/domains.ts';
import type { CallContext } from './serve.ts';

/** Draws all domains; cancelling leaves out those that were not finished. Progress in images. */
export async function drawnDatasets(call: CallContext): Promise<Dataset[]> {
  const datasets: Dataset[] = [];
  const total = demoDomains.length * DEMO_IMAGES;
  for (const domain of demoDomains) {
    const samples: DatasetSample[] = [];
    for (let index = 0; index < DEMO_IMAGES; index++) {
      // Messages, a cancelling one among them, get their turn between two images.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (call.signal.aborted) return datasets;
      const { image, objects } = drawDemo(domain, index);
      const name = `${domain.id}-${String(index + 1).padStart(2, '0')}.png`;
      samples.push({
        name,
        image: fileOf(`images/${name}`, encodeImagePng(image)),
        instances: fileOf(`instances/${name}`, encodeMaskPng(objects)),
      });
      call.progress({
        done: datasets.length * DEMO_IMAGES + index + 1,
        total,
        label: `Drawing ${domain.name}`,
      });
    }
    datasets.push({ name: domain.name, samples });
  }
  return datasets;
}

function fileOf(path: string, bytes: Uint8Array): LazyFile {
  return { path, size: bytes.length, bytes: async () => bytes };
}
