/** Makes images that were just renewed as small as those of the guide, after all tests. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { smallerPng } from '../../scripts/smaller-png.mjs';

const IMAGES = join(import.meta.dirname, 'images');
/** Where a PNG says how its colours are kept, and what it says of a palette. */
const [COLOUR_TYPE, PALETTE] = [25, 3];

export default async function smallerImages() {
  for (const name of await readdir(IMAGES)) {
    const png = await readFile(join(IMAGES, name));
    if (png[COLOUR_TYPE] !== PALETTE) await writeFile(join(IMAGES, name), smallerPng(png));
  }
}
