import { expect, test } from 'vitest';
import { type Fetch, fetchEmbeddedModel, readEmbeddedIndex } from './embedded.ts';

const index = { default: 'tiny', models: [{ id: 'tiny', label: 'Tiny', bytes: 5, licence: 'Apache-2.0' }] };

/** Answers what `files` holds, and 404 otherwise. */
function site(files: Readonly<Record<string, string>>): Fetch {
  return async (url) => {
    const body = files[url.replace('https://here/models/', '')];
    return body === undefined ? new Response('', { status: 404 }) : new Response(body);
  };
}

test('the index is read and checked', async () => {
  const read = (text: string) => readEmbeddedIndex(site({ 'index.json': text }), 'https://here/models/');
  expect(await read(JSON.stringify(index))).toEqual({ ...index, downloads: [] });
  await expect(read('<!doctype html>')).rejects.toThrow(/list of embedded models/);
  await expect(read(JSON.stringify({ ...index, default: 'other' }))).rejects.toThrow(
    /list of embedded models/,
  );
});

test('a connection that is lost on the way is told as such, and giving up is not', async () => {
  /** Sends three bytes of the weights and then fails with `error`. */
  const torn =
    (error: Error): Fetch =>
    async (url) =>
      new Response(
        url.endsWith('preprocessor_config.json')
          ? '{}'
          : new ReadableStream({
              pull: (controller) => {
                controller.enqueue(new Uint8Array(3));
                controller.error(error);
              },
            }),
      );
  for (const options of [{}, { onProgress: () => undefined }]) {
    const lost = fetchEmbeddedModel(
      torn(new TypeError('network error')),
      'https://here/models/',
      'tiny',
      options,
    );
    await expect(lost).rejects.toMatchObject({
      record: { code: 'model/fetch', what: expect.stringContaining('network error') },
    });
  }
  const given = new DOMException('given up', 'AbortError');
  const signal = AbortSignal.abort(given);
  await expect(fetchEmbeddedModel(torn(given), 'https://here/models/', 'tiny', { signal })).rejects.toBe(
    given,
  );
});

test('a model comes with its configs and its progress; a missing preprocessor is fine, missing weights are not', async () => {
  const files = { 'tiny/config.json': '{}', 'tiny/model.safetensors': '12345' };
  const seen: number[] = [];
  const sources = await fetchEmbeddedModel(site(files), 'https://here/models/', 'tiny', {
    onProgress: (done) => seen.push(done),
  });
  expect(sources.map(({ name, size }) => [name, size])).toEqual([
    ['tiny/config.json', 2],
    ['tiny/model.safetensors', 5],
  ]);
  expect(seen.at(-1)).toBe(5);
  const sizes: number[] = [];
  const onConfig = ({ imageSize }: { readonly imageSize: number }) => void sizes.push(imageSize);
  for (const config of ['{"vision_config": {"image_size": 512}}', '{"vision_config": 1}', 'no JSON'])
    await fetchEmbeddedModel(site({ ...files, 'tiny/config.json': config }), 'https://here/models/', 'tiny', {
      onConfig,
    });
  expect(sizes, 'of configs that say them').toEqual([512]);
  const without = site({ 'tiny/config.json': '{}' });
  await expect(fetchEmbeddedModel(without, 'https://here/models/', 'tiny')).rejects.toThrow(
    /model\.safetensors.*404/s,
  );
});
