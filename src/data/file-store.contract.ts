import { Failure } from '../config/failure.ts';
import type { FileStore } from './file-store.ts';

/**
 * What every {@link FileStore} must do, as plain checks that run anywhere (Node, a page, a worker). Run by tests only.
 * @param store empty, and left empty.
 * @throws Error that says which promise was broken.
 */
export async function checkFileStore(store: FileStore): Promise<void> {
  await checkFiles(store);
  await checkFolders(store);
  await checkPaths(store);
  await checkReadersAndWriters(store);
  await store.remove('');
  equal(await store.list(''), [], 'removing the top empties the store');
}

const bytes = (...values: number[]) => Uint8Array.from(values);

async function checkFiles(store: FileStore): Promise<void> {
  equal(await store.exists('a/b/c.bin'), false, 'nothing is there at first');
  await store.write('a/b/c.bin', bytes(1, 2, 3));
  const read = await store.read('a/b/c.bin');
  equal([...read], [1, 2, 3], 'what was written is read');
  read[0] = 9;
  equal([...(await store.read('a/b/c.bin'))], [1, 2, 3], 'a reader cannot change what is stored');
  const mine = bytes(7, 8);
  await store.write('a/b/c.bin', mine);
  mine[0] = 0;
  equal([...(await store.read('a/b/c.bin'))], [7, 8], 'a shorter file replaces a longer one whole');
  await store.write('a/from.part', bytes(4, 5));
  await store.move('a/from.part', 'a/b/c.bin');
  equal([...(await store.read('a/b/c.bin'))], [4, 5], 'a file that is moved replaces the one that lay there');
  equal(await store.exists('a/from.part'), false, 'a file that is moved leaves nothing behind');
  await store.move('a/b/c.bin', 'a/new/c.bin');
  await store.move('a/new/c.bin', 'a/b/c.bin');
  await code(store.move('a/none', 'a/b/d.bin'), 'storage/missing', 'a file that is not there is moved');
  await code(store.move('a/b/c.bin', '../out'), 'storage/bad-path', 'moving out of the store');
  await store.write('a/b/c.bin', bytes(7, 8));
  await store.append('a/b/c.bin', bytes(9));
  await store.append('a/log', bytes(1));
  await store.append('a/log', bytes(2, 3));
  equal([...(await store.read('a/b/c.bin'))], [7, 8, 9], 'bytes are added at the end');
  equal([...(await store.read('a/log'))], [1, 2, 3], 'appending makes the file');
  equal([...(await store.readRange('a/log', 1, 1))], [2], 'a part of a file is read');
  equal([...(await store.readRange('a/log', 2, 9))], [3], 'a part ends where the file ends');
  await code(store.readRange('a/none', 0, 1), 'storage/missing', 'a part of a file that is not there');
  await store.write('a/empty', bytes(1));
  await store.write('a/empty', bytes());
  await store.append('a/never', bytes());
  for (const path of ['a/empty', 'a/never']) {
    equal([await store.exists(path), await store.size(path)], [false, 0], 'a file of 0 bytes is not there');
    await code(store.read(path), 'storage/missing', 'a file of 0 bytes is read');
    await code(store.readRange(path, 0, 1), 'storage/missing', 'a part of a file of 0 bytes is read');
  }
  equal(await store.size('a/b/c.bin'), 3, 'size of a file');
  await code(store.read('a/none'), 'storage/missing', 'a file that is not there');
  await code(store.read('a/b'), 'storage/missing', 'a folder read as a file');
  const large = new Uint8Array(1_000_000).map((_, i) => i * 7);
  await store.write('a/large', large);
  equal(
    (await store.read('a/large')).every((v, i) => v === large[i]),
    true,
    'a large file comes back',
  );
  await store.remove('a/large');
}

async function checkFolders(store: FileStore): Promise<void> {
  await store.write('x', bytes(1));
  equal(
    await store.list(''),
    [
      { name: 'a', kind: 'folder' },
      { name: 'x', kind: 'file' },
    ],
    'the top is listed',
  );
  equal(
    await store.list('a'),
    [
      { name: 'b', kind: 'folder' },
      { name: 'log', kind: 'file' },
    ],
    'a folder is listed in order, without files of 0 bytes and leftovers of writing',
  );
  equal(await store.list('nowhere/at all'), [], 'a folder that is not there is empty');
  equal(await store.size('a'), 6, 'size of a folder');
  equal(await store.size('nowhere'), 0, 'size of nothing');
  equal(
    [await store.exists('a/b'), await store.exists('a/b/c.bin')],
    [true, true],
    'folders and files exist',
  );
  await store.write('ab', bytes(1));
  await store.remove('a');
  equal(
    [await store.exists('a'), await store.exists('a/log')],
    [false, false],
    'a folder is removed with its files',
  );
  equal(await store.exists('ab'), true, 'another name with the same start is not');
  await store.remove('a');
  await store.remove('no/such/file');
  await store.write('only/deep/file', bytes(1));
  await store.write('only/deep/file', bytes());
  equal(
    [
      await store.exists('only'),
      await store.exists('only/deep'),
      (await store.list('')).map(({ name }) => name),
    ],
    [false, false, ['ab', 'x']],
    'a folder without a file is not there',
  );
}

async function checkPaths(store: FileStore): Promise<void> {
  for (const path of ['../out', 'a/../../out', '/etc/x', 'a//b', './a', 'a\\b', 'a/', 'a\0b']) {
    await code(store.write(path, bytes(1)), 'storage/bad-path', `writing to ${JSON.stringify(path)}`);
    await code(store.read(path), 'storage/bad-path', `reading ${JSON.stringify(path)}`);
  }
  await code(store.write('', bytes(1)), 'storage/bad-path', 'writing to the top');
  await code(store.write('', bytes()), 'storage/bad-path', 'writing nothing to the top');
  await store.write('ä b/100% ünïcode (1).png', bytes(5));
  equal([...(await store.read('ä b/100% ünïcode (1).png'))], [5], 'names may be of any language');
}

const SIZE = 50_000;
const generation = (value: number) => new Uint8Array(SIZE).fill(value);

/** Reads while the file is replaced again and again, as in two tabs. */
async function checkReadersAndWriters(store: FileStore): Promise<void> {
  await store.write('busy/file', generation(1));
  let isWriting = true;
  const writing = (async () => {
    for (let value = 2; value < 30; value++) await store.write('busy/file', generation(value));
  })().finally(() => {
    isWriting = false;
  });
  while (isWriting) await expectWhole(store, 'busy/file');
  await writing;
  equal((await store.read('busy/file'))[0], 29, 'the last write counts');
}

/** Overwrites a file again and again, until this thread or process is ended. */
export async function writeForever(store: FileStore, path: string): Promise<never> {
  for (let value = 1; ; value = (value % 255) + 1) await store.write(path, generation(value));
}

/** Checks what {@link writeForever} left when it was ended at some moment: one generation, whole, and nothing else. */
export async function checkAfterEnd(store: FileStore, path: string): Promise<void> {
  await expectWhole(store, path);
  const folder = path.slice(0, path.lastIndexOf('/'));
  equal(
    await store.list(folder),
    [{ name: path.slice(folder.length + 1), kind: 'file' }],
    'no part is listed',
  );
  equal(await store.size(folder), SIZE, 'no part is counted');
}

async function expectWhole(store: FileStore, path: string): Promise<void> {
  const read = await store.read(path);
  equal(
    read.length === SIZE && read.every((value) => value === read[0]),
    true,
    'a reader finds a whole file',
  );
}

function equal(found: unknown, wanted: unknown, promise: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${promise}: found ${a}, wanted ${b}`);
}

async function code(work: Promise<unknown>, wanted: string, promise: string): Promise<void> {
  try {
    await work;
  } catch (error) {
    equal(error instanceof Failure ? error.record.code : String(error), wanted, promise);
    return;
  }
  throw new Error(`${promise}: nothing was thrown, wanted ${wanted}`);
}
