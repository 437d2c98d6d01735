/**
 * The form of before PyTorch 1.6: pickles of a magic number, a version, the machine, the object and the keys of its
 * storages, then the storages, each after its length. Source: torch/serialization.py, `_legacy_save`.
 */
import { Failure } from '../../../config/failure.ts';
import { OutOfBytes } from '../../../pickle/machine.ts';
import { Dict, type Value } from '../../../pickle/values.ts';
import type { ByteSource } from '../byte-source.ts';
import { damaged } from './damaged.ts';
import { MAX_PICKLE_BYTES, type PytorchFile } from './pytorch-file.ts';
import { unpickleTensors } from './unpickle.ts';
import { bytesOf, type Storage } from './values.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** Bytes that are read first for the pickles; more are read where they do not end in these. */
const FIRST_BYTES = 2 ** 20;
/** Every storage begins with its length as a 64-bit integer. */
const LENGTH_BYTES = 8;

/** @throws Failure `checkpoint/pickle-…`. */
export async function openLegacyForm(source: ByteSource): Promise<PytorchFile> {
  const { machine, value, keys, storages, end } = await readPickles(source);
  const places = new Map<string, { readonly start: number; readonly bytes: number }>();
  let at = end;
  for (const key of keys) {
    const storage = storages.get(key);
    if (!storage) throw damaged(`The storage ${key} belongs to no tensor.`, source.name);
    const bytes = bytesOf(storage);
    places.set(key, { start: at + LENGTH_BYTES, bytes });
    at += LENGTH_BYTES + bytes;
  }
  if (at > source.size)
    throw damaged(`It should end at byte ${at} and has ${source.size} bytes.`, source.name);
  return {
    value,
    isLittleEndian: !(machine instanceof Dict && machine.entries.get('little_endian') === false),
    storageBytes: (key) => places.get(key)?.bytes ?? null,
    readStorage: async (key, begin, end) => {
      const place = places.get(key);
      return place ? source.read(place.start + begin, end - begin) : new Uint8Array();
    },
  };
}

interface Pickles {
  readonly machine: Value;
  readonly value: Value;
  readonly keys: readonly string[];
  readonly storages: ReadonlyMap<string, Storage>;
  /** Offset of the first storage. */
  readonly end: number;
}

async function readPickles(source: ByteSource): Promise<Pickles> {
  const all = Math.min(source.size, MAX_PICKLE_BYTES);
  for (let length = Math.min(FIRST_BYTES, all); ; length = Math.min(4 * length, all)) {
    try {
      return parsePickles(await source.read(0, length), source.name);
    } catch (thrown) {
      if (!(thrown instanceof OutOfBytes)) throw thrown;
      if (length === all) throw damaged('Its pickles do not end: the file is cut short.', source.name);
    }
  }
}

function parsePickles(bytes: Uint8Array, name: string): Pickles {
  const magic = unpickleTensors(bytes, 0, name);
  if (magic.value !== MAGIC) {
    throw new Failure({
      code: 'checkpoint/pickle-not-pytorch',
      what: 'It is a pickle of Python that torch.save did not write.',
      where: name,
      cure: 'Save the weights by torch.save(model.state_dict(), "weights.pth") or as .safetensors.',
    });
  }
  const version = unpickleTensors(bytes, magic.end, name);
  if (version.value !== VERSION) throw damaged(`It is of version ${version.value}, not ${VERSION}.`, name);
  const machine = unpickleTensors(bytes, version.end, name);
  const object = unpickleTensors(bytes, machine.end, name);
  const keys = unpickleTensors(bytes, object.end, name);
  if (!Array.isArray(keys.value)) throw damaged('It has no list of storages.', name);
  return {
    machine: machine.value,
    value: object.value,
    keys: [...new Set(keys.value.map(String))],
    storages: object.storages,
    end: keys.end,
  };
}
