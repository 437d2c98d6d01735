/** Pickles of tensors: the machine for pickles with the names that these need. */
import { Failure } from '../../../config/failure.ts';
import type { Dialect } from '../../../pickle/dialect.ts';
import { type Unpickled, unpickle } from '../../../pickle/machine.ts';
import { damaged, oldProtocol } from './damaged.ts';
import { callOf, objectOf, refusedCall, storageOf } from './globals.ts';
import { bytesOf, type Storage } from './values.ts';

export interface UnpickledTensors extends Unpickled {
  /** By key, those that it names. */
  readonly storages: ReadonlyMap<string, Storage>;
}

/**
 * Reads the pickle that starts at `start`.
 * @param file name for messages.
 * @throws Failure `checkpoint/pickle-damaged`, `checkpoint/pickle-calls`, `checkpoint/pickle-object`.
 * @throws OutOfBytes when the bytes end within the pickle.
 */
export function unpickleTensors(bytes: Uint8Array, start: number, file: string): UnpickledTensors {
  const storages = new Map<string, Storage>();
  const dialect: Dialect = {
    callOf,
    objectOf,
    persistent: (id, where) => {
      const storage = storageOf(id, where);
      const known = storages.get(storage.key);
      if (known && bytesOf(known) !== bytesOf(storage))
        throw damaged(`Storage ${storage.key} has two lengths.`, where);
      storages.set(storage.key, storage);
      return storage;
    },
    // Attributes of an object, which no tensor needs.
    setState: () => undefined,
    needs: 'tensors need',
    damaged,
    oldProtocol,
    refused: (callee, whole, where) =>
      whole ? wholeObject(whole.className, where) : refusedCall(callee, where),
  };
  return { ...unpickle(bytes, start, file, dialect), storages };
}

/** The failure for a model that was pickled as an object, whose weights only its own code can find. */
export function wholeObject(className: string, file: string): Failure {
  return new Failure({
    code: 'checkpoint/pickle-object',
    what: `It holds a whole object of the class ${className}, not weights by their names; only that class's code can open it.`,
    where: file,
    cure: 'In Python, where it opens, save its weights alone: torch.save(model.state_dict(), "weights.pth").',
  });
}
