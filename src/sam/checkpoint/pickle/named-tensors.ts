import { Failure } from '../../../config/failure.ts';
import { Dict, Opaque, type Value } from '../../../pickle/values.ts';
import { isTrainingState } from '../tensor-file.ts';
import { damaged } from './damaged.ts';
import { wholeObject } from './unpickle.ts';
import { NUMPY_ARRAY, TensorView } from './values.ts';

export interface NamedTensors {
  readonly views: ReadonlyMap<string, TensorView>;
  /** What was passed over, such as `optimizer (348 tensors of the training's state)`, `args (argparse.Namespace)`. */
  readonly leftOut: readonly string[];
}

/** Levels of dictionaries in dictionaries. */
const MAX_DEPTH = 32;
/** Things that a sentence names. */
const MOST_NAMED = 3;

/**
 * The tensors of nested dictionaries and lists by their keys, joined by dots. A training's own state is passed over. A
 * container that occurs twice, in itself even, counts where it occurs first.
 * @throws Failure `checkpoint/pickle-object` for an object of a class that holds the model,
 *   `checkpoint/no-tensors`, `checkpoint/pickle-damaged`.
 */
export function namedTensors(value: Value, file: string): NamedTensors {
  const views = new Map<string, TensorView>();
  const leftOut: string[] = [];
  const objects: Opaque[] = [];
  const seen = new Set<Value>();
  const visit = (item: Value, path: readonly string[]): void => {
    if (item instanceof TensorView) {
      const name = path.join('.') || 'tensor';
      if (views.has(name)) throw damaged('Two tensors have this name.', `${file}, tensor ${name}`);
      views.set(name, item);
      return;
    }
    if (item instanceof Opaque) {
      if (item.isPlain) return;
      if (item.className !== NUMPY_ARRAY) objects.push(item);
      leftOut.push(`${path.join('.') || 'everything'} (${item.className})`);
      return;
    }
    if (!isContainer(item) || seen.has(item)) return;
    seen.add(item);
    if (path.length > MAX_DEPTH)
      throw damaged(`Its dictionaries are nested more than ${MAX_DEPTH} deep.`, file);
    for (const [key, child] of childrenOf(item)) {
      if (isTrainingState(key) && (isContainer(child) || child instanceof TensorView)) {
        const count = countTensors(child, seen);
        if (count > 0)
          leftOut.push(
            `${[...path, key].join('.')} (${count} ${count === 1 ? 'tensor' : 'tensors'} of a training's state)`,
          );
      } else visit(child, [...path, key]);
    }
  };
  visit(value, []);
  if (views.size > 0) return { views, leftOut };
  const [object] = objects;
  if (object) throw wholeObject(object.className, file);
  throw new Failure({
    code: 'checkpoint/no-tensors',
    what: `It holds no tensor of a model${leftOut.length > 0 ? `, only ${someOf(leftOut)}` : ''}.`,
    where: file,
    cure: 'Open the weights of the model; in Python they are saved by torch.save(model.state_dict(), "weights.pth").',
  });
}

function someOf(phrases: readonly string[]): string {
  const rest = phrases.length - MOST_NAMED;
  return `${phrases.slice(0, MOST_NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function isContainer(value: Value): value is Dict | Value[] {
  return value instanceof Dict || Array.isArray(value);
}

function* childrenOf(container: Dict | Value[]): Generator<readonly [key: string, child: Value]> {
  if (Array.isArray(container)) {
    for (const [i, child] of container.entries()) yield [String(i), child];
    return;
  }
  let position = 0;
  for (const [key, child] of container.entries) {
    const isPlain = typeof key === 'string' || typeof key === 'number';
    yield [isPlain ? String(key) : `#${position}`, child];
    position += 1;
  }
}

/** Tensors in a container and those within it, each container once. */
function countTensors(value: Value, seen: Set<Value>): number {
  let count = 0;
  const open: Value[] = [value];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (item instanceof TensorView) count += 1;
    else if (isContainer(item) && !seen.has(item)) {
      seen.add(item);
      for (const [, child] of childrenOf(item)) open.push(child);
    }
  }
  return count;
}
