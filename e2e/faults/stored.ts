/** What a browser has stored of the studio, read file by file from the page. */
import type { Page } from '@playwright/test';

export interface StoredRun {
  readonly name: string;
  readonly status: string;
  /** Each step with its losses, in order, without the time that it took. */
  readonly losses: readonly string[];
}

export interface StoredDataset {
  readonly name: string;
  readonly images: number;
  /** By the file of their labels: status and objects of the images that were labelled in the studio. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Everything by id. What is listed here was found whole; what was not stands in `faults`. */
export interface Stored {
  readonly datasets: Readonly<Record<string, StoredDataset>>;
  readonly runs: Readonly<Record<string, StoredRun>>;
  readonly masks: readonly string[];
  /** Folders of datasets and runs without a description: what an import or a deletion left that was cut off. */
  readonly halves: readonly string[];
  /** Labels that are done and whose masks are those of a save before: what a crash left, until the image is opened. */
  readonly unpublished: readonly string[];
  readonly faults: readonly string[];
}

/** Reads the storage. The page may be any of the studio's origin. */
export function readStored(page: Page): Promise<Stored> {
  return page.evaluate(async () => {
    const faults: string[] = [];
    const halves: string[] = [];
    const unpublished: string[] = [];
    const root = await navigator.storage.getDirectory();

    /** Files under a folder by path; those of 0 bytes are none. */
    const walk = async (folder: FileSystemDirectoryHandle, prefix = ''): Promise<Map<string, File>> => {
      const files = new Map<string, File>();
      for await (const [name, handle] of folder.entries() as AsyncIterable<
        [string, FileSystemDirectoryHandle | FileSystemFileHandle]
      >) {
        if (handle.kind === 'directory')
          for (const [path, file] of await walk(handle, `${prefix}${name}/`)) files.set(path, file);
        else {
          const file = await handle.getFile();
          if (file.size > 0) files.set(prefix + name, file);
        }
      }
      return files;
    };
    const top = await root.getDirectoryHandle('mopeft-studio', { create: true });
    const all = await walk(top);
    const text = async (path: string) => (await all.get(path)?.text()) ?? '';
    const json = async (path: string) => {
      try {
        return JSON.parse(await text(path));
      } catch (error) {
        faults.push(`${path}: ${error}`);
        return null;
      }
    };
    const idsIn = (folder: string) => [
      ...new Set(
        [...all.keys()]
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.split('/')[1] ?? ''),
      ),
    ];

    /** The header of an image's labels; null where there is no whole one. */
    const header = async (path: string) => {
      try {
        const bytes = new Uint8Array((await all.get(path)?.arrayBuffer()) ?? new ArrayBuffer(0));
        const length = new DataView(bytes.buffer).getUint32(4, true);
        return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
      } catch (error) {
        faults.push(`${path}: ${error}`);
        return null;
      }
    };
    const datasets: Record<string, { name: string; images: number; labels: Record<string, string> }> = {};
    for (const id of idsIn('datasets')) {
      const at = `datasets/${id}`;
      if (!all.has(`${at}/dataset.json`)) halves.push(at);
      else {
        const manifest = await json(`${at}/dataset.json`);
        if (!manifest) continue;
        const labels: Record<string, string> = {};
        for (const path of [...all.keys()].filter((each) => each.startsWith(`${at}/edits/`))) {
          const made = await header(path);
          if (!made) continue;
          const file = path.slice(`${at}/edits/`.length);
          labels[file] = `${made.status} with ${made.objects.length} objects`;
          const isPublished = manifest.files.some(
            ({ labelled }: { labelled?: { revision: number; masks?: { instances: { path: string } } } }) =>
              labelled?.revision === made.revision &&
              labelled?.masks?.instances.path.startsWith(`labelled/${file}/`),
          );
          if (made.status === 'done' && !isPublished) unpublished.push(`${id}/${file}`);
        }
        datasets[id] = { name: manifest.name, images: manifest.files.length, labels };
        if (!all.has(`${at}/card.json`)) faults.push(`${at} has no card`);
        for (const { labelled, split: _, channels: __, ...roles } of manifest.files) {
          const { instances, classes } = labelled?.masks ?? {};
          const made = labelled?.masks ? { instances, classes } : {};
          const files = [...Object.values(roles), ...Object.values(made)].flat();
          for (const { path, size } of files as { path: string; size: number }[])
            if (all.get(`${at}/${path}`)?.size !== size) faults.push(`${at}/${path} is not whole`);
        }
      }
    }
    const runs: Record<string, StoredRun> = {};
    for (const id of idsIn('runs')) {
      const at = `runs/${id}`;
      if (!all.has(`${at}/run.json`)) halves.push(at);
      else {
        const record = await json(`${at}/run.json`);
        if (!record) continue;
        const losses = (await text(`${at}/metrics.jsonl`))
          .split('\n')
          .flatMap((line) => {
            try {
              return [JSON.parse(line)];
            } catch {
              return [];
            }
          })
          .filter(({ type }) => type === 'step')
          .map(({ step, loss, focal, dice, iou, norm }) =>
            JSON.stringify([step, loss, focal, dice, iou, norm]),
          );
        runs[id] = { name: record.name, status: record.status, losses };
        if (record.status === 'imported' && !all.has(`${at}/adapter.safetensors`))
          faults.push(`${at} has no weights`);
        if (record.status === 'finished' && !all.has(`${at}/adapter.safetensors`))
          faults.push(`${at} has no weights`);
      }
    }
    const masks = [...all.keys()].filter((path) => /^masks\/.*\.json$/.test(path));
    for (const path of masks)
      if ((await json(path))?.bytes !== all.get(path.replace(/json$/, 'png'))?.size)
        faults.push(`${path} has no PNG`);
    return { datasets, runs, masks, halves, unpublished, faults };
  });
}

/** The dataset without masks, whose images are labelled. */
export const UNLABELLED = 'slides';

/** What was added, removed and renamed between two looks, one line each, in order. */
export function difference(before: Stored, after: Stored): string[] {
  const changes: string[] = [];
  for (const kind of ['datasets', 'runs'] as const) {
    for (const [id, { name }] of Object.entries(before[kind]))
      if (!after[kind][id]) changes.push(`- ${kind} ${name}`);
      else if (after[kind][id].name !== name) changes.push(`${kind} ${name} is ${after[kind][id].name}`);
    for (const [id, { name }] of Object.entries(after[kind]))
      if (!before[kind][id]) changes.push(`+ ${kind} ${name}`);
  }
  for (const [id, { name, labels }] of Object.entries(after.datasets)) {
    const old = before.datasets[id]?.labels ?? {};
    // An image that came with masks has them as labels once something is tried on it.
    for (const file of new Set([...Object.keys(old), ...Object.keys(labels)]))
      if (labels[file] !== old[file] && (old[file] !== undefined || name === UNLABELLED))
        changes.push(`labels ${name} ${file} ${labels[file] ?? 'are gone'}`);
  }
  for (const path of before.masks) if (!after.masks.includes(path)) changes.push('- mask');
  for (const path of after.masks) if (!before.masks.includes(path)) changes.push('+ mask');
  return changes.sort();
}
