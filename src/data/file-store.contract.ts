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
  await store.append('a/b/c.bin', bytes(9));
  await store.append('a/log', bytes(1));
  await store.append('a/log', bytes(2, 3));
  equal([...(await store.read('a/b/c.bin'))], [7, 8, 9], 'bytes are added at the end');
  equal([...(await store.read('a/log'))], [1, 2, 3], 'appending makes the file');
  equal([...(await store.readRange('a/log', 1, 1))], [2], 'a part of a file is read');
  equal([...(await store.readRange('a/log', 2, 9))], [3], 'a part ends where the file ends');
  await code(store.readRange('a/none', 0, 1), 'storage/missing', 'a part of a file that is not there');
  await store.write('a/empty', bytes());
  equal((await store.read('a/empty')).length, 0, 'a file may be empty');
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
      { name: 'empty', kind: 'file' },
      { name: 'log', kind: 'file' },
    ],
    'a folder is listed in order, without leftovers of writing',
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
}

async function checkPaths(store: FileStore): Promise<void> {
  for (const path of ['../out', 'a/../../out', '/etc/x', 'a//b', './a', 'a\\b', 'a/', 'a\0b']) {
    await code(store.write(path, bytes(1)), 'storage/bad-path', `writing to ${JSON.stringify(path)}`);
    await code(store.read(path), 'storage/bad-path', `reading ${JSON.stringify(path)}`);
  }
  await code(store.write('', bytes(1)), 'storage/bad-path', 'writing to the top');
  await store.write('ä b/100% ünïcode (1).png', bytes(5));
  equal([...(await store.read('ä b/100% ünïcode (1).png'))], [5], 'names may be of any language');
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
