/** Adds pictures to a dataset that is on storage. */
import type { Dataset, DatasetSample } from '../data/dataset.ts';
import { nameParts } from '../data/file-names.ts';
import { type FileStore, storeName } from '../data/file-store.ts';
import { type InspectedDataset, summarise } from '../data/inspect.ts';
import { encodeManifest, type Manifest, parseManifest } from '../data/manifest.ts';
import { sortedByName } from '../data/natural-order.ts';
import type { LazyFile } from '../data/zip.ts';

const FOLDERS = { image: 'images', mask: 'masks', instances: 'instances', labels: 'labels' } as const;
type FileRole = keyof typeof FOLDERS;

/**
 * Writes the files of samples whose names are new, then the dataset's description, so that a crash between leaves the
 * dataset as it was. What was written is removed again when it does not all fit.
 * @param existing the dataset as it is on storage.
 */
export async function extendDataset(
  store: FileStore,
  id: string,
  existing: Dataset,
  added: InspectedDataset,
): Promise<void> {
  const folder = `datasets/${storeName(id)}`;
  const manifestPath = `${folder}/dataset.json`;
  const manifest = parseManifest(await store.read(manifestPath), manifestPath);
  const written: string[] = [];
  const copy = async (role: FileRole, sample: DatasetSample, from: LazyFile) => {
    const bytes = await from.bytes();
    const { folders, file, stem } = nameParts(sample.name);
    const { extension } = nameParts(from.path);
    const last = role === 'image' ? file : `${stem}${extension && `.${extension}`}`;
    const path = [FOLDERS[role], ...folders, last].map(storeName).join('/');
    written.push(`${folder}/${path}`);
    await store.write(`${folder}/${path}`, bytes);
    return { path, size: bytes.length };
  };
  try {
    const fresh: {
      readonly files: Manifest['files'][number];
      readonly sample: Manifest['samples'][number];
    }[] = [];
    for (const [index, sample] of added.dataset.samples.entries()) {
      const described = added.samples[index];
      if (!described) continue;
      fresh.push({
        files: {
          image: await copy('image', sample, sample.image),
          ...(sample.mask && { mask: await copy('mask', sample, sample.mask) }),
          ...(sample.instances && { instances: await copy('instances', sample, sample.instances) }),
          ...(sample.labels && { labels: await copy('labels', sample, sample.labels) }),
        },
        sample: { ...described, labels: [...described.labels] },
      });
    }
    const old = manifest.files.flatMap((files, i) => {
      const sample = manifest.samples[i];
      return sample ? [{ files, sample }] : [];
    });
    const all = sortedByName([...old, ...fresh], ({ sample }) => sample.name);
    const samples = all.map(({ sample }) => sample);
    const dataset = { name: manifest.name, samples: [...existing.samples, ...added.dataset.samples] };
    const summary = summarise(dataset, samples as InspectedDataset['samples']);
    await store.write(
      manifestPath,
      encodeManifest({
        ...manifest,
        files: all.map(({ files }) => files),
        samples,
        summary: {
          ...summary,
          labels: [...summary.labels],
          widths: [...summary.widths],
          heights: [...summary.heights],
        },
      }),
    );
  } catch (error) {
    for (const path of written) await store.remove(path).catch(() => undefined);
    throw error;
  }
}
