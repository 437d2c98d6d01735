/** Says what of the studio does not fit where the storage is full, in place of the path of the file. */
import { Failure } from '../config/failure.ts';
import type { FileStore } from '../data/file-store.ts';
import { JOB_PATH } from './find/find-job.ts';
import { QUEUE_PATH } from './runs/queue-file.ts';

/** A store that names what could not be stored. */
export function namingStore(store: FileStore): FileStore {
  const named = async (path: string, work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      throw error instanceof Failure && error.record.code === 'storage/full' ? fullFor(path, error) : error;
    }
  };
  return {
    read: (path) => store.read(path),
    readRange: (path, offset, length) => store.readRange(path, offset, length),
    list: (folder) => store.list(folder),
    size: (path) => store.size(path),
    exists: (path) => store.exists(path),
    remove: (path) => store.remove(path),
    write: (path, bytes) => named(path, store.write(path, bytes)),
    append: (path, bytes) => named(path, store.append(path, bytes)),
    move: (from, to) => named(to, store.move(from, to)),
  };
}

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^datasets\/[^/]+\/edits\//, 'these labels were'],
  [/^datasets\/[^/]+\/labelled\//, 'the masks of these labels were'],
  [/^datasets\/[^/]+\/found\//, 'what was found was'],
  [/^datasets\//, 'this dataset was'],
  [/^runs\//, 'what the run came to was'],
  [/^masks\//, 'this mask was'],
  [/^models\//, 'this model was'],
  [new RegExp(`^${QUEUE_PATH}$`), 'the queue of runs was'],
  [new RegExp(`^${JOB_PATH}$`), 'what is to be searched was'],
  [/^opened-model\.json$/, 'which model is open was'],
];

function fullFor(path: string, cause: Failure): Failure {
  const name = NAMES.find(([pattern]) => pattern.test(path))?.[1] ?? 'a file was';
  return new Failure(
    {
      code: 'storage/full',
      what: `The storage that the browser gives to the studio is full, so ${name} not stored.`,
      cure: 'Delete datasets, runs or models that are no longer needed, or free space on the disk, and try again.',
    },
    { cause },
  );
}
