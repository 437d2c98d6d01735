import * as v from 'valibot';
import { gridOf, imageRecordOf, lowResOf } from '../../config/sam.ts';
import { decodeImage } from '../../data/decode/image.ts';
import { decodeMask } from '../../data/decode/mask.ts';
import { preprocess, toModel } from '../../data/preprocess.ts';
import type { Outcome } from '../../data/types.ts';
import type { ByteSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { packPrompts } from '../../sam/prompts.ts';
import type { SamSession } from '../../sam/session.ts';
import { bestCandidate, promptOf } from './image.ts';
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

/** The form of tests/vectors/embedded: weights are f16 there, so values are held to 1e-3. */
const TOLERANCE = 1e-3;

/** Holds the embedded model against its PyTorch twin on drawn images: from the file to the mask of its own size. */
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
  const hold = (key: string, planes: Float32Array, height: number) =>
    found.push(compare(key, thinned(planes, height, stride), vectors.get(key).data, TOLERANCE));
  for (const [name, { image: file, prompts }] of Object.entries(images)) {
    const { image } = taken(await decodeImage(await bytes(file), file));
    const { data, transform } = preprocess(image, imageRecordOf(config));
    hold(`${name}.input`, data, config.imageSize);
    await session.encode(data);
    const embedding = toChannelsFirst(await session.embedding(), [1, grid, grid, config.outputChannels]);
    hold(`${name}.embedding`, embedding, grid);
    const chosen = new Map<string, Float32Array>();
    for (const [tag, prompt] of Object.entries(prompts)) {
      const asked = promptOf(prompt, (x, y) => toModel(transform, x, y));
      const mask = prompt.fed === undefined ? undefined : chosen.get(prompt.fed);
      const { lowResMasks, iou } = await session.decode(packPrompts([{ ...asked, ...(mask && { mask }) }]));
      hold(`${name}.${tag}.masks`, lowResMasks, side);
      found.push(compare(`${name}.${tag}.iou`, iou, vectors.get(`${name}.${tag}.iou`).data, TOLERANCE));
      const token = prompt.chosen === 0 ? 0 : bestCandidate(iou);
      found.push(compare(`${name}.${tag}.chosen`, [token], [prompt.chosen], TOLERANCE));
      const logits = lowResMasks.subarray(token * side * side, (token + 1) * side * side);
      chosen.set(tag, logits);
      const masked = await session.upscaleMasks(logits, transform.inputSize, transform.originalSize);
      const png = `${name}.${tag}.png`;
      found.push(maskAgreement(png, masked, taken(await decodeMask(await bytes(png), png)).labelMap.data));
    }
  }
  if (vectors.untouched.length > 0)
    throw new RangeError(`held against nothing: ${vectors.untouched.join(', ')}`);
  return found;
}

/** Share of pixels that differ, where the logit is not within the tolerance of 0. */
function maskAgreement(key: string, logits: Float32Array, mask: ArrayLike<number>): Comparison {
  const largest = logits.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let wrong = logits.length === mask.length ? 0 : mask.length;
  for (let i = 0; i < mask.length; i++) {
    const logit = logits[i] ?? 0;
    if (Math.abs(logit) > TOLERANCE * largest && logit > 0 !== Boolean(mask[i])) wrong += 1;
  }
  return { key, error: wrong / mask.length, tolerance: 0, passed: wrong === 0 };
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

function taken<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new RangeError(`${outcome.refusal.file}: ${outcome.refusal.reason}`);
}
