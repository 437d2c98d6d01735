/**
 * Trains the adapter of the first minute on images that are drawn here, and measures it on others:
 *
 *     node --import tsx scripts/first-adapter.mjs FOLDER
 *
 * FOLDER must not be there yet; it keeps the images and the run. The adapter goes to public/adapters/whole-cells.safetensors.
 * The figures of the one that is there: docs/measurements/first-minute.md.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeImagePng, encodeMaskPng } from '../src/data/encode-png.ts';
import { drawCells } from '../src/engine/demo/whole-cells.ts';
import { run } from './toolchain/run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const MODEL = join(root, 'public/models/mopeft-sam-tiny');
const ADAPTER = join(root, 'public/adapters/whole-cells.safetensors');
/** Far from the numbers of the images that the page shows and trains on. */
const TRAINED = { from: 1000, count: 24 };
const MEASURED = { from: 2000, count: 10 };
const STEPS = 40;

const SETTINGS = {
  train: {
    imagesPerStep: 1,
    objectsPerImage: 4,
    // It answers clicks alone.
    boxPrompts: false,
    corrections: 0,
    lrPeft: 5e-3,
    // Every image comes as it is, so that the lower half of the encoder runs once for each.
    minCrop: 1,
    brightness: 0,
    contrast: 0,
    flips: false,
    quarterTurns: false,
    splitOrder: 'name',
    evalEvery: 10,
    evalObjects: 8,
  },
  blocks: 'late',
};

async function main() {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new Error('Name a folder: node --import tsx scripts/first-adapter.mjs FOLDER');
  const [trained, measured, result] = ['trained', 'measured', 'run'].map((part) => join(folder, part));
  await draw(trained, TRAINED);
  await draw(measured, MEASURED);
  const config = join(folder, 'settings.json');
  await writeFile(config, JSON.stringify(SETTINGS));
  await mopeft(
    'train',
    '--data',
    trained,
    '--method',
    'lora',
    '--freeze-decoder',
    '--steps',
    String(STEPS),
    '--seed',
    '0',
    '--config',
    config,
    '--out',
    result,
  );
  const bytes = await readFile(join(result, 'adapter.safetensors'));
  await mkdir(join(root, 'public/adapters'), { recursive: true });
  await writeFile(ADAPTER, bytes);
  const measure = ['--data', measured, '--max-objects', '10'];
  await mopeft('evaluate', ...measure);
  await mopeft('evaluate', '--adapter', ADAPTER, ...measure);
  console.log(`${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`);
}

/** Draws images and their objects into a data folder. */
async function draw(folder, { from, count }) {
  for (const part of ['images', 'instances']) await mkdir(join(folder, part), { recursive: true });
  for (let index = from; index < from + count; index++) {
    const { image, objects } = drawCells(index);
    const name = `cells-${index}.png`;
    await writeFile(join(folder, 'images', name), encodeImagePng(image));
    await writeFile(join(folder, 'instances', name), encodeMaskPng(objects));
  }
}

async function mopeft(command, ...args) {
  const program = ['scripts/cli.mjs', 'src/cli/main.ts', command, '--model', MODEL];
  const code = await run(process.execPath, [...program, ...args], { cwd: root });
  if (code !== 0) throw new Error(`mopeft ${command} ended with ${code}.`);
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
