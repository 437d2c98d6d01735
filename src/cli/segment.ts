import { windowAround } from '../data/crops.ts';
import { encodeMaskPng } from '../data/encode-png.ts';
import type { Box, RgbImage } from '../data/types.ts';
import { imageFeature } from '../engine/asked-dataset.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import { BASE_WEIGHTS, type Prompts, Segmenter, SegmentImage } from '../engine/segmenter.ts';
import type { ModelSession } from '../engine/tuning.ts';
import { numbersFlag, readFlags, requiredFlag, wrongArguments } from './arguments.ts';
import { AS_FLAG, AS_USAGE, askedOf } from './asked-flag.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { openAdapter, openCliModel, scaleFlag, trainedScale } from './open.ts';
import { readImage } from './read-image.ts';
import { expectFree, writeOut } from './write-files.ts';

const USAGE = `  npm run mopeft -- segment --model DIR|FILE [--adapter PATH] --image FILE
      (--click x,y[,0|1] … | --box x0,y0,x1,y1 | --whole) [--scale whole|N] [--as DATASET] --out MASK.png
  --adapter is the folder of a run, or an adapter's file, folder or zip; LoRA of PEFT or Sam_LoRA too.
  Coordinates are pixels of the image as it is; a click's third number is 1 for object (default), 0 for background.
  Clicks may be added to a box. With --scale N the model sees N pixels around the prompt; the default is the adapter's
  scale, else whole.
${AS_USAGE}
${MODEL_USAGE}`;

/** `mopeft segment`: one mask of one image, as a PNG of 0 and 255. */
export async function segment(args: readonly string[]): Promise<number> {
  const flags = readFlags(
    args,
    {
      model: { type: 'string' },
      adapter: { type: 'string' },
      image: { type: 'string' },
      click: { type: 'string', multiple: true },
      box: { type: 'string' },
      whole: { type: 'boolean' },
      scale: { type: 'string' },
      out: { type: 'string' },
      ...AS_FLAG,
      ...MODEL_FLAGS,
    },
    USAGE,
  );
  const imagePath = requiredFlag(flags.image, 'image', USAGE);
  const out = requiredFlag(flags.out, 'out', USAGE);
  if (/\.(jpe?g|tiff?|bmp|gif|webp)$/i.test(out))
    throw wrongArguments(
      `--out is "${out}", but the mask is written as PNG`,
      'Write --out with a name that ends in .png',
      USAGE,
    );
  if (!flags.click && !flags.box && !flags.whole)
    throw wrongArguments('No prompt is given', 'Add --click, --box or --whole', USAGE);
  if (flags.box && flags.whole)
    throw wrongArguments('--box and --whole exclude each other', 'Leave --box or --whole out', USAGE);
  const modelPath = requiredFlag(flags.model, 'model', USAGE);
  await expectFree(out);
  const image = await readImage(imagePath);
  const prompts = promptsOf(flags, image);
  const chosenScale = scaleFlag(flags.scale, USAGE);
  const { gpu, model } = await openCliModel(modelPath, modelChoices(flags, USAGE));
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const adapter = flags.adapter === undefined ? null : await openAdapter(flags.adapter, model);
  const trained = await trainedScale(flags.adapter, adapter, flags.as ?? '');
  const scale = chosenScale ?? trained ?? 'whole';
  const region = scale === 'whole' ? undefined : windowAround(extentOf(prompts), scale, image);
  const seen = new SegmentImage(imagePath, image, region);
  const look = (base: ModelSession) => imageFeature(base, seen.inputFor(base).data);
  const tuning = await askedOf(gpu, model, adapter, flags.as, look, USAGE);
  const variant = tuning ? { key: 'adapter', tuning: async () => tuning } : BASE_WEIGHTS;
  const [best] = await segmenter.predict(seen, variant, prompts);
  if (!best) throw new RangeError('a prediction has at least one candidate');
  await writeOut(out, encodeMaskPng({ width: image.width, height: image.height, data: best.mask }));
  console.log(
    `${out}: ${best.area} of ${image.width * image.height} pixels, predicted IoU ${best.predictedIou.toFixed(3)}`,
  );
  gpu.destroy();
  return 0;
}

function promptsOf(
  flags: {
    readonly click?: string[] | undefined;
    readonly box?: string | undefined;
    readonly whole?: boolean | undefined;
  },
  { width, height }: RgbImage,
): Prompts {
  const points = (flags.click ?? []).map((text) => {
    const [x = 0, y = 0, label = 1] = numbersFlag(text, 'click', [2, 3], USAGE);
    if (label !== 0 && label !== 1)
      throw wrongArguments(
        `--click is "${text}", whose third number is neither 0 nor 1`,
        'Write --click with 1 for the object or 0 for what does not belong to it',
        USAGE,
      );
    if (x < 0 || y < 0 || x > width || y > height)
      throw wrongArguments(
        `--click is "${text}", outside of the image of ${width} × ${height} pixels`,
        'Write --click with x and y in pixels of the image',
        USAGE,
      );
    return { x, y, positive: label === 1 };
  });
  if (flags.whole) return { points, box: { x0: 0, y0: 0, x1: width, y1: height }, previous: null };
  if (flags.box === undefined) return { points, box: null, previous: null };
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = numbersFlag(flags.box, 'box', [4], USAGE);
  if (x1 <= x0 || y1 <= y0)
    throw wrongArguments(
      `--box is "${flags.box}", which has no area`,
      'Write --box with x1 over x0 and y1 over y0',
      USAGE,
    );
  if (x1 <= 0 || y1 <= 0 || x0 >= width || y0 >= height)
    throw wrongArguments(
      `--box is "${flags.box}", outside of the image of ${width} × ${height} pixels`,
      'Write --box with corners in pixels of the image',
      USAGE,
    );
  const within = {
    x0: Math.max(0, x0),
    y0: Math.max(0, y0),
    x1: Math.min(width, x1),
    y1: Math.min(height, y1),
  };
  if (within.x0 !== x0 || within.y0 !== y0 || within.x1 !== x1 || within.y1 !== y1)
    console.error(`--box reaches beyond the image of ${width} × ${height} pixels and is cut at its edges.`);
  return { points, box: within, previous: null };
}

/** The smallest box around all clicks and the box. */
function extentOf({ points, box }: Prompts): Box {
  const xs = [...points.map(({ x }) => x), ...(box ? [box.x0, box.x1] : [])];
  const ys = [...points.map(({ y }) => y), ...(box ? [box.y0, box.y1] : [])];
  return [
    Math.floor(Math.min(...xs)),
    Math.floor(Math.min(...ys)),
    Math.ceil(Math.max(...xs)),
    Math.ceil(Math.max(...ys)),
  ];
}
