/** Masks that a person kept, on this device's storage: a PNG and a record each. */

import * as v from 'valibot';
import { Failure } from '../config/failure.ts';
import { decodePng } from '../data/decode/png.ts';
import { encodeMaskPng } from '../data/encode-png.ts';
import { asFileName } from '../data/file-names.ts';
import { type FileStore, storeName } from '../data/file-store.ts';
import { runsOfBitmap } from '../data/labels/runs.ts';
import type { LabelledImage, LabelledObject } from '../data/out/label-set.ts';
import { writeZip } from '../data/zip.ts';
import { uniqueKeys } from '../engine/datasets.ts';
import type { KeptMask, OutputFile } from './protocol.ts';

const FOLDER = 'masks';
const RecordSchema = v.object({
  id: v.string(),
  imageName: v.string(),
  variantLabel: v.string(),
  created: v.number(),
  area: v.number(),
  bytes: v.number(),
});

/** A mask at the size of its image, and whose it is. */
export interface MaskToKeep {
  readonly imageName: string;
  readonly variantLabel: string;
  readonly width: number;
  readonly height: number;
  /** [height, width], 0 or 1 */
  readonly mask: Uint8Array;
}

export class KeptMaskRepository {
  constructor(private readonly store: FileStore) {}

  async keep(wanted: MaskToKeep, now = Date.now()): Promise<KeptMask> {
    const png = encodeMaskPng({ width: wanted.width, height: wanted.height, data: wanted.mask });
    const id = `${now.toString(36)}-${crypto.randomUUID().slice(0, 8)}`;
    const record: KeptMask = {
      id,
      imageName: wanted.imageName,
      variantLabel: wanted.variantLabel,
      created: now,
      area: wanted.mask.reduce((sum, value) => sum + value, 0),
      bytes: png.length,
    };
    try {
      await this.store.write(path(id, 'png'), png);
      await this.store.write(path(id, 'json'), new TextEncoder().encode(JSON.stringify(record)));
    } catch (error) {
      await this.store.remove(path(id, 'png')).catch(() => undefined);
      throw error;
    }
    return record;
  }

  /** Newest first. */
  async list(): Promise<KeptMask[]> {
    const records: KeptMask[] = [];
    for (const { name } of await this.store.list(FOLDER)) {
      if (!name.endsWith('.json')) continue;
      const parsed = v.safeParse(RecordSchema, parse(await this.store.read(`${FOLDER}/${name}`)));
      if (parsed.success) records.push(parsed.output);
    }
    return records.sort((a, b) => b.created - a.created);
  }

  async delete(id: string): Promise<void> {
    await this.store.remove(path(id, 'json'));
    await this.store.remove(path(id, 'png'));
  }

  /** A kept mask as a file. @throws Failure `segment/no-masks` when it is gone. */
  async file(id: string): Promise<OutputFile> {
    const record = (await this.list()).find((each) => each.id === id);
    if (!record) throw noMasks();
    const bytes = new Uint8Array(await this.store.read(path(id, 'png')));
    return { name: `${maskName(record)}.png`, mime: 'image/png', bytes };
  }

  /** The masks by their images, the first kept first. @throws Failure `segment/no-masks`. */
  async labelled(): Promise<LabelledImage[]> {
    const images = new Map<string, LabelledImage & { readonly objects: LabelledObject[] }>();
    for (const { id, imageName, variantLabel } of (await this.list()).reverse()) {
      const { width, height, data } = decodePng(await this.store.read(path(id, 'png')), imageName);
      // Of two images with one name and another size each is an image of its own.
      const key = `${imageName} ${width} ${height}`;
      const image = images.get(key) ?? { name: imageName, width, height, objects: [] };
      images.set(key, image);
      image.objects.push({ runs: runsOfBitmap(data), origin: variantLabel });
    }
    if (images.size === 0) throw noMasks();
    return [...images.values()];
  }

  /** @throws Failure `segment/no-masks`. */
  async zip(): Promise<OutputFile> {
    const records = (await this.list()).reverse();
    if (records.length === 0) throw noMasks();
    const names = uniqueKeys(records.map(maskName), asFileName);
    const files: Record<string, Uint8Array> = {};
    for (const [i, { id }] of records.entries())
      files[`${names[i]}.png`] = await this.store.read(path(id, 'png'));
    // PNGs are packed already.
    return { name: 'masks.zip', mime: 'application/zip', bytes: await writeZip(files, 0) };
  }
}

const noMasks = () =>
  new Failure({
    code: 'segment/no-masks',
    what: 'No mask was kept yet.',
    cure: 'Keep masks in Segment first.',
  });

/** A mask's file as it is handed out. */
export function maskFile(mask: MaskToKeep): OutputFile {
  const bytes = encodeMaskPng({ width: mask.width, height: mask.height, data: mask.mask });
  return { name: `${maskName(mask)}.png`, mime: 'image/png', bytes: bytes as Uint8Array<ArrayBuffer> };
}

/** `<image> mask <variant>`, fit for a file's name. */
function maskName({ imageName, variantLabel }: Pick<KeptMask, 'imageName' | 'variantLabel'>): string {
  const stem = (imageName.split('/').pop() ?? imageName).replace(/\.[^.]+$/, '');
  return storeName(`${stem} mask ${variantLabel}`);
}

const path = (id: string, extension: 'png' | 'json'): string => `${FOLDER}/${storeName(id)}.${extension}`;

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
