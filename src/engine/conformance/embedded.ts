import * as v from 'valibot';
import { gridOf, imageRecordOf, lowResOf } from '../../config/sam.ts';
import { decodeImage } from '../../data/decode/image.ts';
import { preprocess, toModel } from '../../data/preprocess.ts';
import { readMaskFile } from '../../data/reading/mask-file.ts';
import type { ByteSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { packPrompts } from '../../sam/prompts.ts';
import type { SamSession } from '../../sam/session.ts';
import { bestCandidate, maskComparison, promptOf, unwrap } from './image.ts';
import { type Comparison, compare } from './report.ts';
import { toChannelsFirst, Vectors } from './vectors.ts';

const pair = v.tuple([v.number(), v.number()]);

const Schema = v.object({
  stride: v.number(),
  images: v.record(
    v.string(),
    v.object({
      image: v.string(),
      prompts: v.record(
        v.string(),
        v.object({
          points: v.optional(v.array(pair)),
          labels: v.optional(v.array(v.number())),
          box: v.optional(v.tuple([v.number(), v.number(), v.number(), v.number()])),
          fed: v.optional(v.string()),
          chosen: v.number(),
        }),
      ),
    }),
  ),
});

/** The weights of tests/vectors/embedded are f16, so its values are compared to 1e-3. */
const TOLERANCE = 1e-3;

/** Compares the embedded model with its PyTorch twin on drawn images, from the file to the mask of its size. */
export async function checkEmbedded(
  session: SamSession,
  file: (name: string) => Promise<ByteSource>,
): Promise<Comparison[]> {
  const bytes = async (name: string) => {
    const source = await file(name);
    return source.read(0, source.size);
  };
  const { stride, images } = v.parse(
    Schema,
    JSON.parse(new TextDecoder().decode(await bytes('embedded.json'))),
  );
  const vectors = await Vectors.read(await Safetensors.open(await file('embedded.safetensors')));
  const { config } = session;
  const [grid, side] = [gridOf(config), lowResOf(config)];
  const found: Comparison[] = [];
  const check = (key: string, planes: Float32Array, height: number) =>
    found.push(compare(key, thinned(planes, height, stride), vectors.get(key).data, TOLERANCE));
  for (const [name, { image: file, prompts }] of Object.entries(images)) {
    const { image } = unwrap(await decodeImage(await bytes(file), file));
    const { data, transform } = preprocess(image, imageRecordOf(config));
    check(`${name}.input`, data, config.imageSize);
    await session.encode(data);
    const { embedding } = await session.embeddings();
    const shape = [1, grid, grid, config.outputChannels] as const;
    check(`${name}.embedding`, toChannelsFirst(embedding, shape), grid);
    const chosen = new Map<string, Float32Array>();
    for (const [tag, prompt] of Object.entries(prompts)) {
      const asked = promptOf(prompt, (x, y) => toModel(transform, x, y));
      const mask = prompt.fed === undefined ? undefined : chosen.get(prompt.fed);
      const { lowResMasks, iou } = await session.decode(
        packPrompts([{ ...asked, ...(mask && { mask }) }], config),
      );
      check(`${name}.${tag}.masks`, lowResMasks, side);
      found.push(compare(`${name}.${tag}.iou`, iou, vectors.get(`${name}.${tag}.iou`).data, TOLERANCE));
      const token = prompt.chosen === 0 ? 0 : bestCandidate(iou);
      found.push(compare(`${name}.${tag}.chosen`, [token], [prompt.chosen], TOLERANCE));
      const logits = lowResMasks.subarray(token * side * side, (token + 1) * side * side);
      chosen.set(tag, logits);
      const masked = await session.upscaleMasks(logits, transform.inputSize, transform.originalSize);
      const png = `${name}.${tag}.png`;
      const labelMap = unwrap(await readMaskFile(await bytes(png), png));
      found.push(maskComparison(png, masked, labelMap.data, masked, TOLERANCE));
    }
  }
  if (vectors.untouched.length > 0)
    throw new RangeError(`compared with nothing: ${vectors.untouched.join(', ')}`);
  return found;
}

/** Every `stride`-th row and column of square planes, from 0. */
function thinned(planes: Float32Array, height: number, stride: number): Float32Array {
  const kept: number[] = [];
  for (let plane = 0; plane < planes.length / (height * height); plane++) {
    for (let y = 0; y < height; y += stride) {
      for (let x = 0; x < height; x += stride)
        kept.push(planes[(plane * height + y) * height + x] ?? Number.NaN);
    }
  }
  return Float32Array.from(kept);
}
