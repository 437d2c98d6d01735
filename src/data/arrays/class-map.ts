import { decodeNpy } from '../decode/npy.ts';
import type { Raster } from '../decode/raster.ts';
import { readBytes } from '../lazy-file.ts';
import { refuse, valueOrThrow } from '../outcome.ts';
import { shapeText } from './layout.ts';
import type { Member } from './members.ts';
import { writeNpy } from './npy-header.ts';

/**
 * The class of each pixel by the number of its object, made when it is read.
 * @param classes that of each object, in the order of `ids` or, without these, of their numbers.
 */
export function classMap(objects: Member, classes: Member, ids: Member | undefined): Member {
  const bytes = async () => {
    const { data, width, height } = await valuesOf(objects);
    const list = (await valuesOf(classes)).data;
    const own = ids ? (await valuesOf(ids)).data : [];
    const present = [...new Set(data)].filter((value) => value > 0).sort((a, b) => a - b);
    const last = present.at(-1) ?? 0;
    const places =
      own.length === list.length ? [...own] : present.length === list.length ? present : undefined;
    if (!places && last > list.length) throw otherCount(objects, classes, present.length);
    const classOf = new Map(places?.map((id, i) => [id, list[i] ?? 0] as const));
    const labels = Int32Array.from(data, (id) => (places ? classOf.get(id) : list[id - 1]) ?? 0);
    return writeNpy(
      { bits: 32, kind: 'signed', littleEndian: true },
      [height, width],
      new Uint8Array(labels.buffer),
    );
  };
  const { name, code, shape, file } = objects;
  const type = { bits: 32, kind: 'signed', littleEndian: true } as const;
  return { name, code, shape, type, file: { path: file.path, size: file.size, bytes } };
}

const valuesOf = async ({ file }: Member): Promise<Raster> =>
  decodeNpy(valueOrThrow(await readBytes(file)), file.path);

const otherCount = (objects: Member, classes: Member, count: number) =>
  refuse(
    'data/array-shape',
    objects.file.path,
    `${objects.name} has ${count} objects and ${classes.name} (${shapeText(classes.shape)}) classes for another number of them.`,
    'Save a map of classes beside it, a number for each pixel, as type_map.',
  );
