import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wasmBase64 as mozjpeg } from './mozjpeg-dec.ts';
import { wasmBase64 as webp } from './webp-dec.ts';

it.each([
  ['@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm', mozjpeg],
  ['@jsquash/webp/codec/dec/webp_dec.wasm', webp],
])('%s is what its package holds (else run scripts/embed-codecs.mjs)', (path, embedded) => {
  const file = readFileSync(new URL(`../../../node_modules/${path}`, import.meta.url));
  expect(Buffer.from(embedded, 'base64').equals(file)).toBe(true);
});
