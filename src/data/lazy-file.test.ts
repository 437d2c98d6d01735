import { expect, it } from 'vitest';
import { Failure } from '../config/failure.ts';
import { readBytes } from './lazy-file.ts';

const fileThatThrows = (thrown: Error) => ({
  path: 'images/a.png',
  size: 1,
  bytes: () => Promise.reject(thrown),
});

it('a file that cannot be read goes by its own path, not by its place on this machine or in storage', async () => {
  const gone = new Error("ENOENT: no such file or directory, open '/home/ann/data/images/a.png'");
  expect(await readBytes(fileThatThrows(gone))).toMatchObject({
    refusal: {
      file: 'images/a.png',
      reason: 'The file could not be read (ENOENT: no such file or directory).',
    },
  });
  const where = 'datasets/cells-1/images/a.png';
  const missing = new Failure({ code: 'storage/missing', what: 'Gone.', where, cure: 'Import it.' });
  expect(await readBytes(fileThatThrows(missing))).toMatchObject({
    refusal: { file: 'images/a.png', reason: 'Gone.' },
  });
  const inside = new Failure({ code: 'data/zip', what: 'Damaged.', where: 'a.zip, b', cure: 'Pack again.' });
  expect(await readBytes(fileThatThrows(inside))).toMatchObject({ refusal: { file: 'a.zip, b' } });
});
