import { afterEach, expect, it, vi } from 'vitest';
import { Codec } from './codec.ts';
import { readWasm } from './read-wasm.ts';

afterEach(() => vi.unstubAllGlobals());

it('reads a file in Node and asks the site in a browser', async () => {
  const inNode = await readWasm(
    new URL('../../../node_modules/@jsquash/webp/codec/dec/webp_dec.wasm', import.meta.url),
  );
  expect([...inNode.subarray(0, 4)]).toEqual([0, 0x61, 0x73, 0x6d]);
  vi.stubGlobal('fetch', async (address: URL) => new Response(address.pathname));
  const inBrowser = await readWasm(new URL('https://site.example/folder/assets/a.wasm'));
  expect(new TextDecoder().decode(inBrowser)).toBe('/folder/assets/a.wasm');
});

it.each([
  ['file:///no/such/folder/a.wasm', /a\.wasm.*ENOENT/],
  ['https://site.example/b.wasm', /b\.wasm.*HTTP status 404/],
])('says that %s is missing', async (address, what) => {
  vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
  await expect(readWasm(new URL(address))).rejects.toMatchObject({
    record: { code: 'data/decoder-missing', what: expect.stringMatching(what) },
  });
});

it('a codec that could not be loaded is tried again', async () => {
  const answers = [new Response('', { status: 503 }), new Response('wasm')];
  vi.stubGlobal('fetch', async () => answers.shift());
  const image = { width: 1, height: 1, data: new Uint8Array(4) };
  const codec = new Codec(async () => ({ decode: () => image }), new URL('https://site.example/c.wasm'));
  await expect(codec.decode(new Uint8Array(1))).rejects.toThrow(/503/);
  expect((await codec.decode(new Uint8Array(1))).image).toBe(image);
});
