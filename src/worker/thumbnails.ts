/** Thumbnails of a stored dataset, made when it is imported: JPEGs in one file, and an index of where each lies. */
import * as v from 'valibot';
import type { LoadedSample } from '../data/dataset.ts';
import { type FileStore, storeName } from '../data/file-store.ts';
import type { ObjectSet, RgbImage } from '../data/types.ts';
import type { ThumbnailKind } from './protocol.ts';

/** Longer side in pixels: in lists, and with the objects laid over on a card. */
export const THUMBNAIL_SIZE: Readonly<Record<ThumbnailKind, number>> = { list: 96, card: 192 };
/** Samples that a dataset's card shows. */
export const CARD_SAMPLES = 6;
/** Bytes that are written at once. */
const PIECE = 256 * 1024;

const place = v.tuple([v.number(), v.number()]);
const IndexSchema = v.object({
  version: v.literal(1),
  /** Offset and length by the sample's name. */
  list: v.record(v.string(), place),
  card: v.record(v.string(), place),
});
type Index = v.InferOutput<typeof IndexSchema>;

/** Makes a JPEG whose longer side is `size`, with `objects` laid over. */
export type EncodeThumbnail = (
  image: RgbImage,
  objects: ObjectSet | null,
  size: number,
) => Promise<Uint8Array>;

const imagesPath = (id: string): string => `datasets/${storeName(id)}/thumbnails.bin`;
const indexPath = (id: string): string => `datasets/${storeName(id)}/thumbnails.json`;

/** Makes the thumbnails of a dataset while it is imported, a few in memory at a time. */
export class ThumbnailWriter {
  private readonly index: Index = { version: 1, list: {}, card: {} };
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private offset = 0;
  /** Samples seen so far, and those of them that have a mask. */
  private readonly seen = { all: 0, labelled: 0 };

  constructor(
    private readonly store: FileStore,
    private readonly id: string,
    private readonly encode: EncodeThumbnail,
  ) {}

  /** @throws Failure `storage/…`. */
  async add({ name, image, objects, labelling }: LoadedSample): Promise<void> {
    const { list, card } = THUMBNAIL_SIZE;
    // A card shows samples with a mask first; whether enough of them follow is not known yet.
    const isOnCard = (labelling ? this.seen.labelled++ : this.seen.all) < CARD_SAMPLES;
    this.seen.all++;
    this.place(this.index.list, name, await this.encode(image, null, list));
    if (isOnCard)
      this.place(this.index.card, name, await this.encode(image, labelling ? objects : null, card));
    if (this.waitingBytes >= PIECE) await this.flush();
  }

  /** Writes what is left and the index. @throws Failure `storage/…`. */
  async finish(): Promise<void> {
    await this.flush();
    await this.store.write(indexPath(this.id), new TextEncoder().encode(JSON.stringify(this.index)));
  }

  private place(places: Record<string, [number, number]>, name: string, jpeg: Uint8Array): void {
    places[name] = [this.offset, jpeg.length];
    this.offset += jpeg.length;
    this.waiting.push(jpeg);
    this.waitingBytes += jpeg.length;
  }

  private async flush(): Promise<void> {
    const piece = new Uint8Array(this.waitingBytes);
    let at = 0;
    for (const jpeg of this.waiting) {
      piece.set(jpeg, at);
      at += jpeg.length;
    }
    this.waiting = [];
    this.waitingBytes = 0;
    await this.store.append(imagesPath(this.id), piece);
  }
}

/** Finds thumbnails of stored datasets. */
export class Thumbnails {
  private readonly indices = new Map<string, Promise<Index | null>>();

  constructor(private readonly store: FileStore) {}

  /**
   * The JPEG that was made for a sample: with its objects when it is for a card.
   * @returns null where none was made, as for datasets that were imported by earlier versions, or none can be read any more.
   */
  async find(id: string, sample: string, kind: ThumbnailKind): Promise<Uint8Array | null> {
    let index = this.indices.get(id);
    if (!index) {
      index = this.readIndex(id);
      this.indices.set(id, index);
    }
    const found = (await index)?.[kind][sample];
    if (!found) return null;
    const [offset, length] = found;
    const jpeg = await this.store.readRange(imagesPath(id), offset, length).catch(() => null);
    return jpeg?.length === length ? jpeg : null;
  }

  forget(id: string): void {
    this.indices.delete(id);
  }

  private async readIndex(id: string): Promise<Index | null> {
    try {
      const text = new TextDecoder().decode(await this.store.read(indexPath(id)));
      const parsed = v.safeParse(IndexSchema, JSON.parse(text));
      return parsed.success ? parsed.output : null;
    } catch {
      return null;
    }
  }
}
