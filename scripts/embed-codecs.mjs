/**
 * Writes the WebAssembly of the JPEG and WebP decoders into src/data/wasm as base64, so that a worker and Node load them
 * in the same way, with no request and no path to find. Run it after the packages change: `node scripts/embed-codecs.mjs`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const codecs = [
  { name: 'mozjpeg-dec', package: '@jsquash/jpeg', file: 'codec/dec/mozjpeg_dec.wasm' },
  { name: 'webp-dec', package: '@jsquash/webp', file: 'codec/dec/webp_dec.wasm' },
];

const root = new URL('..', import.meta.url);
for (const codec of codecs) {
  const folder = new URL(`node_modules/${codec.package}/`, root);
  const { version, license } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
  const base64 = readFileSync(new URL(codec.file, folder)).toString('base64');
  const text = `// Made by scripts/embed-codecs.mjs from ${codec.package} ${version} (${license}), ${codec.file}. Do not edit.
// biome-ignore format: one long string
export const wasmBase64 = '${base64}';
`;
  writeFileSync(new URL(`src/data/wasm/${codec.name}.ts`, root), text);
}
