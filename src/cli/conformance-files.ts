import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from '../config/failure.ts';
import type { SetFiles } from '../engine/conformance/set.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';

/** Every set of a folder: each `NAME.json` that has a `NAME.forward.safetensors` beside it. */
export async function findSets(folder: string): Promise<SetFiles[]> {
  const names = await readdir(folder).catch(() => {
    throw new Failure({
      code: 'cli/no-folder',
      what: 'This is not a folder.',
      where: folder,
      cure: 'Give a folder of conformance sets.',
    });
  });
  const sets = names
    .filter(
      (name) => name.endsWith('.json') && names.includes(`${basename(name, '.json')}.forward.safetensors`),
    )
    .map((name) => basename(name, '.json'))
    .sort();
  if (sets.length === 0) {
    throw new Failure({
      code: 'conformance/none',
      what: 'There is no set of vectors in this folder.',
      where: folder,
      cure: 'Give a folder that holds NAME.json and NAME.forward.safetensors.',
    });
  }
  return Promise.all(
    sets.map(async (name) => {
      const files = names.filter((file) => file.startsWith(`${name}.`) && file !== `${name}.json`);
      const read = files.map(
        async (file) => [file, bytesSource(file, await readFile(join(folder, file)))] as const,
      );
      return {
        name,
        json: await readFile(join(folder, `${name}.json`), 'utf8'),
        files: new Map(await Promise.all(read)),
      };
    }),
  );
}
