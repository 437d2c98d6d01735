import { expect, test } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { namingStore } from './full-storage.ts';

test.each([
  ['datasets/cells-26ca475f/edits/a.png', /so these labels were not stored/],
  ['datasets/cells-26ca475f/labelled/a.3.labels.png', /so the masks of these labels were not stored/],
  ['datasets/cells-26ca475f/found/found.jsonl', /so what was found was not stored/],
  ['datasets/cells-26ca475f/thumbnails.bin', /so this dataset was not stored/],
  ['runs/2026-11-30/metrics.jsonl', /so what the run came to was not stored/],
  ['masks/m.json', /so this mask was not stored/],
  ['models/opened.json', /so this model was not stored/],
  ['run-queue.json', /so the queue of runs was not stored/],
  ['find-job.json', /so what is to be searched was not stored/],
  ['opened-model.json', /so which model is open was not stored/],
  ['other', /so a file was not stored/],
])('where %s does not fit, it is said what that is, and no path', async (path, what) => {
  const store = namingStore(new MemoryStore(1));
  await store.write('small', Uint8Array.of(1));
  const failure = { record: { code: 'storage/full', what: expect.stringMatching(what) } };
  for (const work of [store.write(path, new Uint8Array(9)), store.append(path, new Uint8Array(9))]) {
    await expect(work).rejects.toMatchObject(failure);
    await expect(work).rejects.not.toMatchObject({ record: { where: expect.anything() } });
  }
  // Other failures stay as they are.
  await expect(store.move('none', path)).rejects.toMatchObject({ record: { code: 'storage/missing' } });
});
