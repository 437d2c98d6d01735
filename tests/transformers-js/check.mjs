/** Opens the ONNX exports in `tests/vectors/export` with transformers.js, and compares its masks with the engine's. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AutoProcessor, env, RawImage, Sam2Model, SamModel, Tensor } from '@huggingface/transformers';

const folder = fileURLToPath(new URL('../vectors/export/', import.meta.url));
env.allowRemoteModels = false;
env.localModelPath = folder;

/** f32 tensors of a safetensors file. */
async function readTensors(path) {
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return Object.fromEntries(
    Object.entries(header).map(([name, { shape, data_offsets: [from, to] }]) => {
      const data = Uint8Array.prototype.slice.call(bytes, 8 + length + from, 8 + length + to);
      return [name, { shape, data: new Float32Array(data.buffer) }];
    }),
  );
}

function relativeError(got, want) {
  if (got.length !== want.length) throw new Error(`${got.length} values, and ${want.length} are expected`);
  const most = want.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - want[i])), 0) / most;
}

/** The prompts of the engine's answers: tensors of the model's square, as a processor gives them. */
const CLICKS = {
  input_points: new Tensor('float32', Float32Array.of(9, 20, 25.5, 6), [1, 1, 2, 2]),
  input_labels: new Tensor('int64', BigInt64Array.of(1n, 0n), [1, 1, 2]),
};
const BOX = { input_boxes: new Tensor('float32', Float32Array.of(4, 6, 21, 29), [1, 1, 4]) };

/** Exports by their names: the class that opens them, and what it is asked. A `SamModel` passes no box on. */
const MODELS = {
  onnx: [SamModel, { points: CLICKS }],
  'onnx-token': [SamModel, { points: CLICKS }],
  'onnx-tiny': [SamModel, { points: CLICKS }],
  'onnx-sam2': [Sam2Model, { points: CLICKS, box: BOX }],
};

/** Whether a processor prepares an image of 16 × 32 as the model takes it, and brings masks back to that size. */
async function fits(name, shape, masks) {
  const processor = await AutoProcessor.from_pretrained(name);
  const image = new RawImage(new Uint8ClampedArray(32 * 16 * 3).fill(200), 32, 16, 3);
  const { pixel_values, original_sizes, reshaped_input_sizes } = await processor(image);
  const [whole] = await processor.post_process_masks(masks, original_sizes, reshaped_input_sizes);
  return `${pixel_values.dims}` === `${shape}` && `${whole.dims}` === '1,3,16,32';
}

let failed = 0;
for (const [name, [Model, prompts]] of Object.entries(MODELS)) {
  const expected = await readTensors(`${folder}${name}.expected.safetensors`);
  const model = await Model.from_pretrained(name, { dtype: 'fp32' });
  const { shape, data } = expected['input.image'];
  const errors = [];
  let isFitting = true;
  for (const [prompt, tensors] of Object.entries(prompts)) {
    const inputs = { pixel_values: new Tensor('float32', data, shape), ...tensors };
    const { pred_masks, iou_scores } = await model(inputs);
    // The three candidates; the engine's first mask is that for prompts that leave no doubt.
    const { data: masks } = expected[`${prompt}.masks`];
    errors.push(
      relativeError(pred_masks.data, masks.subarray(masks.length / 4)),
      relativeError(iou_scores.data, expected[`${prompt}.iou`].data.subarray(1)),
    );
    const { single_pred_mask } = await model.forward(inputs);
    errors.push(relativeError(single_pred_mask.data, masks.subarray(0, masks.length / 4)));
    isFitting &&= await fits(name, shape, pred_masks);
  }
  const isRight = errors.every((error) => error < 1e-4) && isFitting;
  if (!isRight) failed += 1;
  console.log(`${name}: ${isRight ? 'passed' : 'FAILED'}, worst error ${Math.max(...errors).toExponential(1)}`);
  await model.dispose();
}
const count = Object.keys(MODELS).length;
console.log(`${count - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
