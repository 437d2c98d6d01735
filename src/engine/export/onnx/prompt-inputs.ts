/** The prompts of an ONNX file in the layout of transformers.js, as the tokens that the engine's decoder takes. */
import type { OnnxModel, Value } from './onnx-model.ts';

/** `coords` [N, T, 2] in pixels of the model's square and `labels` [N, T] of N objects. */
interface Tokens {
  readonly coords: Value;
  readonly labels: Value;
}

interface PromptInputs {
  /** How many objects there are, int64 [1]. */
  readonly objects: Value;
  /** In their order. */
  readonly tokens: readonly Tokens[];
  /** How many of SAM's padding points, label −1, stand behind them, int64 [1]. */
  readonly padding: Value;
}

/** All tokens with their padding. */
export function joinedTokens(model: OnnxModel, { objects, tokens, padding }: PromptInputs): Tokens {
  const joined = (values: readonly Value[], filler: Value, last: readonly number[]) => {
    const size = last.length > 0 ? [objects, padding, model.ints(last)] : [objects, padding];
    const shape = model.node('Concat', size, { axis: 0 });
    return model.node('Concat', [...values, model.node('Expand', [filler, shape])], { axis: 1 });
  };
  const [coords, labels] = [tokens.map((each) => each.coords), tokens.map((each) => each.labels)];
  return {
    coords: joined(coords, model.floats([0, 0], [1, 1, 2]), [2]),
    labels: joined(labels, model.floats([-1], [1, 1]), []),
  };
}

/** `input_points` [1, N, T, 2] and `input_labels` [1, N, T], of which 2 and 3 are the corners of a box. */
export function pointsAlone(model: OnnxModel): PromptInputs {
  const { objects, coords, labels } = pointInputs(model, 'point_batch_size');
  // Without a box SAM puts a point of its own kind, −1, behind the others.
  const most = model.node('Reshape', [model.node('ReduceMax', [labels], { keepdims: 0 }), model.ints([1])]);
  const isBox = model.node('GreaterOrEqual', [most, model.floats([2])]);
  const padding = model.node('Where', [isBox, model.ints([0]), model.ints([1])]);
  return { objects, tokens: [{ coords, labels }], padding };
}

/**
 * `input_points` [1, N, T, 2], `input_labels` [1, N, T] and `input_boxes` [1, N, 4], as SAM 2 has them: a box is padded too. Without
 * a box `input_boxes` is [1, 0, 4]; with boxes alone `input_labels` is [1, N, 0], and `input_points` [1, 1, 0, 2].
 */
export function pointsAndBoxes(model: OnnxModel): PromptInputs {
  const ints = (...values: number[]) => model.ints(values);
  const { objects, coords, labels } = pointInputs(model, 'point_objects');
  const boxes = model.node('Squeeze', [model.input('input_boxes', 'float', [1, 'num_boxes', 4]), ints(0)]);
  const count = sizeAt(model, boxes, 0);
  const corners = model.node('Mul', [model.node('Min', [count, ints(1)]), ints(2)]);
  const rows = (value: Value, ...sizes: Value[]) =>
    model.node('Expand', [value, model.node('Concat', [objects, ...sizes], { axis: 0 })]);
  const cut = model.node('Concat', [model.node('Max', [count, ints(1)]), corners, ints(2)], { axis: 0 });
  const kinds = model.node('Slice', [model.floats([2, 3], [1, 2]), ints(0), corners, ints(1)]);
  return {
    objects,
    tokens: [
      { coords: rows(coords, sizeAt(model, coords, 1), ints(2)), labels },
      // Without a box there are 0 corners, which Reshape would otherwise read as a size that stays.
      {
        coords: rows(model.node('Reshape', [boxes, cut], { allowzero: 1 }), corners, ints(2)),
        labels: rows(kinds, corners),
      },
    ],
    padding: ints(1),
  };
}

/** @param objects what the number of objects is called in `input_points`; `input_labels` tells it. */
function pointInputs(model: OnnxModel, objects: string): Tokens & Pick<PromptInputs, 'objects'> {
  const points = model.input('input_points', 'float', [1, objects, 'nb_points_per_image', 2]);
  const given = model.input('input_labels', 'int64', [1, 'point_batch_size', 'nb_points_per_image']);
  const coords = model.node('Squeeze', [points, model.ints([0])]);
  const labels = model.node('Cast', [model.node('Squeeze', [given, model.ints([0])])], { to: 1 });
  return { coords, labels, objects: sizeAt(model, labels, 0) };
}

/** A size of a value, int64 [1]. */
function sizeAt(model: OnnxModel, value: Value, at: number): Value {
  return model.node('Gather', [model.node('Shape', [value]), model.ints([at])], { axis: 0 });
}
