import type { Gpu } from '../../gpu/gpu.ts';
import { openCheckpoint } from '../../sam/checkpoint/checkpoint.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { loadModel } from '../../sam/weights.ts';
import { checkCase } from './case.ts';
import { checkForward } from './forward.ts';
import { checkImage } from './image.ts';
import type { PartReport, SetReport } from './report.ts';
import { seededCheckpoint, seededImage } from './seeded.ts';
import { fileOf, parseSet, type SetFiles } from './set.ts';
import { Vectors } from './vectors.ts';

/**
 * Runs everything in a set on WebGPU: the frozen model's forward pass, and the training step of each case.
 * @throws Failure when a file of the set is missing or damaged.
 */
export async function runSet(gpu: Gpu, set: SetFiles): Promise<SetReport> {
  const { description, image } = parseSet(set);
  const partFile = (part: string) => fileOf(set, `${set.name}.${part}.safetensors`);
  const json = { name: `${set.name}.json`, text: set.json };
  const { seed, batch } = description;
  const checkpoint =
    seed === undefined
      ? await openCheckpoint({
          weights: [partFile('base')],
          config: json,
          ...(image && { preprocessor: { name: json.name, text: JSON.stringify(image.preprocess) } }),
        })
      : seededCheckpoint(json.name, parseSamConfig(JSON.parse(set.json), json.name), seed);
  const drawn = new Map<string, HostTensor>();
  if (seed !== undefined) drawn.set('input.image', seededImage(checkpoint.config, batch, seed));
  const model = await loadModel(gpu, checkpoint);
  const read = async (part: string) => Vectors.read(await Safetensors.open(partFile(part)), drawn);
  const bytesOf = (name: string) => {
    const file = fileOf(set, name);
    return file.read(0, file.size);
  };
  const parts: PartReport[] = [];
  try {
    const vectors = await read('forward');
    parts.push(
      image
        ? await checkImage(gpu, model, image, bytesOf, vectors)
        : await checkForward(gpu, model, description, vectors),
    );
    for (const [name, one] of Object.entries(description.cases)) {
      parts.push(await checkCase(gpu, model, description, { name, ...one }, vectors, await read(name)));
    }
  } finally {
    model.weights.release();
  }
  return { set: set.name, parts };
}
