import { gridOf, imageRecordOf, lowResOf, MASK_TOKENS } from '../../config/sam.ts';
import { decodeImage } from '../../data/decode/image.ts';
import { preprocess, toModel } from '../../data/preprocess.ts';
import { readMaskFile } from '../../data/reading/mask-file.ts';
import { resizeImage } from '../../data/resize.ts';
import type { Outcome } from '../../data/types.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { type BoxPrompt, type ObjectPrompt, packPrompts } from '../../sam/prompts.ts';
import { SamSession } from '../../sam/session.ts';
import type { SamModel } from '../../sam/weights.ts';
import { type Comparison, compare, type PartReport, TOLERANCE } from './report.ts';
import type { ImageForm, ImagePrompt } from './set.ts';
import { toChannelsFirst, type Vectors } from './vectors.ts';

/** Compares every stage of an image, from its file to a mask of its size, with `NAME.forward.safetensors`. */
export async function checkImage(
  gpu: Gpu,
  model: SamModel,
  form: ImageForm,
  fileBytes: (name: string) => Promise<Uint8Array>,
  vectors: Vectors,
): Promise<PartReport> {
  const found: Comparison[] = [];
  const check = (key: string, got: ArrayLike<number>) =>
    found.push(compare(key, got, vectors.get(key).data, TOLERANCE.forward));
  const { image } = unwrap(await decodeImage(await fileBytes(form.image), form.image));
  const record = imageRecordOf(model.config);
  const { data, transform } = preprocess(image, record);
  const [height, width] = transform.inputSize;
  found.push(
    exact('input.resized', resizeImage(image, width, height).data, vectors.get('input.resized').data),
  );
  check('input.image', data);
  const session = await SamSession.open(gpu, model);
  try {
    await session.encode(data);
    const [grid, side] = [gridOf(model.config), lowResOf(model.config)];
    const { embedding } = await session.embeddings();
    check('encoder.embedding', toChannelsFirst(embedding, [1, grid, grid, model.config.outputChannels]));
    for (const [name, prompt] of Object.entries(form.prompts)) {
      const place = (x: number, y: number) => toModel(transform, x, y);
      const { lowResMasks, iou } = await session.decode(packPrompts([promptOf(prompt, place)], model.config));
      check(`decode.${name}.masks`, lowResMasks);
      check(`decode.${name}.iou`, iou);
      const token = prompt.token === 0 ? 0 : bestCandidate(iou);
      found.push(exact(`prompts.${name}.token`, [token], [prompt.token]));
      const chosen = lowResMasks.subarray(token * side * side, (token + 1) * side * side);
      const logits = await session.upscaleMasks(chosen, transform.inputSize, transform.originalSize);
      check(`final.${name}.logits`, logits);
      const file = `${form.image.replace(/\.[^.]*$/, '')}.${name}.png`;
      const labelMap = unwrap(await readMaskFile(await fileBytes(file), file));
      const want = vectors.get(`final.${name}.logits`).data;
      found.push(maskComparison(file, logits, [...labelMap.data], want));
    }
  } finally {
    await session.release();
  }
  return { part: 'forward', comparisons: found, untouched: vectors.untouched };
}

/** The token of 1–3 with the highest predicted IoU. */
export function bestCandidate(iou: ArrayLike<number>): number {
  let best = 1;
  for (let token = 2; token < MASK_TOKENS; token++) if ((iou[token] ?? 0) > (iou[best] ?? 0)) best = token;
  return best;
}

/** A prompt in original pixels as one in model pixels. */
export function promptOf(
  { points = [], labels = [], box }: Pick<ImagePrompt, 'points' | 'labels' | 'box'>,
  place: (x: number, y: number) => [number, number],
): ObjectPrompt {
  const corners = box && ([...place(box[0], box[1]), ...place(box[2], box[3])] as const satisfies BoxPrompt);
  return {
    points: points.map(([px, py], i) => {
      const [x, y] = place(px, py);
      return { x, y, positive: labels[i] === 1 };
    }),
    ...(corners && { box: corners }),
  };
}

/** Share of a mask's pixels that differ where the reference's logit is not within the tolerance of 0. */
export function maskComparison(
  key: string,
  logits: ArrayLike<number>,
  mask: ArrayLike<number>,
  reference: ArrayLike<number>,
  tolerance: number = TOLERANCE.forward,
): Comparison {
  let largest = 0;
  for (let i = 0; i < reference.length; i++) largest = Math.max(largest, Math.abs(reference[i] ?? 0));
  let wrong = mask.length === logits.length ? 0 : mask.length;
  for (let i = 0; i < mask.length; i++) {
    const isClear = Math.abs(reference[i] ?? 0) > tolerance * largest;
    if (isClear && (logits[i] ?? 0) > 0 !== Boolean(mask[i])) wrong += 1;
  }
  return { key, error: wrong / mask.length, tolerance: 0, passed: wrong === 0 };
}

function exact(key: string, got: ArrayLike<number>, want: ArrayLike<number>): Comparison {
  const wrong =
    got.length === want.length
      ? [...Array(want.length).keys()].filter((i) => got[i] !== want[i]).length
      : want.length;
  return { key, error: wrong / want.length, tolerance: 0, passed: wrong === 0 };
}

export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new RangeError(`${outcome.refusal.file}: ${outcome.refusal.reason}`);
}
