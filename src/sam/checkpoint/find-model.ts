import { Failure } from '../../config/failure.ts';
import type { ModelChoices } from '../../config/model-choices.ts';
import { axis, type Shape, sameShape, show } from '../../graph/shape.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import { ENCODERS } from '../encoders/registry.ts';
import { isHarmless } from './left-alone.ts';
import { mapNames, modelPrefixes } from './names.ts';
import { notSam } from './not-sam.ts';
import type { HostTensor, TensorFile } from './tensor-file.ts';

/** The file of every tensor, by its name there. */
export type Owners = ReadonlyMap<string, TensorFile>;

/** Which file holds a tensor. @throws Failure `checkpoint/twice`. */
export function ownersOf(files: readonly TensorFile[]): Owners {
  const owners = new Map<string, TensorFile>();
  for (const file of files) {
    for (const name of file.tensors.keys()) {
      const other = owners.get(name);
      if (other) {
        throw new Failure({
          code: 'checkpoint/twice',
          what: `Two files hold it: ${other.name} and ${file.name}.`,
          where: `tensor ${name}`,
          cure: 'Open the files of one model only.',
        });
      }
      owners.set(name, file);
    }
  }
  return owners;
}

/** A model within files. */
export interface FoundModel {
  /** What stands before its tensors' names. */
  readonly prefix: string;
  /** SAM's names → those in the files. */
  readonly map: ReadonlyMap<string, readonly string[]>;
  /** By SAM's names. */
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly encoder: AnyEncoder;
}

/** A model of the same files that is left alone. */
export interface OtherModel {
  readonly prefix: string;
  /** Whether it has a mask decoder, so that it could be loaded instead. */
  readonly isWhole: boolean;
}

/** Prefixes that are looked at: no file holds more models, and one that claims to is not worth the time. */
const MOST_PREFIXES = 16;

/** The model that the files hold, or that of several which was chosen. @throws Failure `checkpoint/…`. */
export function findModel(
  owners: Owners,
  { prefix: chosen }: ModelChoices,
  label: string,
): FoundModel & { readonly others: readonly OtherModel[] } {
  const names = [...owners.keys()];
  const found = modelPrefixes(names)
    .filter((prefix) => !isHarmless(prefix))
    .slice(0, MOST_PREFIXES)
    .flatMap((prefix): FoundModel[] => {
      const map = mapNames(names, prefix);
      const shapes = new Map(
        [...map].map(([original, parts]) => [original, shapeOf(original, parts, owners)]),
      );
      const encoder = ENCODERS.find(({ recognises }) => recognises(shapes));
      return encoder ? [{ prefix, map, shapes, encoder }] : [];
    });
  const [first] = found;
  if (!first) throw notSam(names, label);
  const whole = found.filter(isWhole);
  const prefixes = whole.map(({ prefix }) => prefix);
  const beside = (model: FoundModel) => ({
    ...model,
    others: found
      .filter((other) => other !== model)
      .map((other) => ({ prefix: other.prefix, isWhole: isWhole(other) })),
  });
  if (chosen !== undefined) {
    const model = found.find(({ prefix }) => prefix === chosen || prefix === `${chosen}.`);
    if (model) return beside(model);
    throw new Failure({
      code: 'checkpoint/no-prefix',
      what: `No model's tensors begin with "${chosen}"; there are ${found.map(({ prefix }) => `"${prefix}"`).join(', ')}.`,
      where: label,
      cure: 'Choose one of those.',
      asks: 'prefix',
      options: prefixes,
    });
  }
  if (whole.length > 1) {
    throw new Failure({
      code: 'checkpoint/several-models',
      what: `The file holds ${whole.length} models, whose tensors begin with ${prefixes.map((prefix) => `"${prefix}"`).join(' and ')}.`,
      where: label,
      cure: 'Choose one: for a run or an adapter that with which it was trained, else a running mean (ema), which is usually better.',
      asks: 'prefix',
      options: prefixes,
    });
  }
  return beside(whole[0] ?? first);
}

function isWhole({ shapes }: FoundModel): boolean {
  return shapes.has('mask_decoder.iou_token.weight');
}

/** The shape of a tensor of a SAM; of several in the files, of all stacked along the first axis. @throws Failure `checkpoint/shape`. */
function shapeOf(original: string, names: readonly string[], owners: Owners): Shape {
  const shapes = names.map((name) => owners.get(name)?.tensors.get(name)?.shape ?? []);
  const [first = []] = shapes;
  if (shapes.length < 2) return first;
  const other = shapes.findIndex((shape) => shape.length === 0 || !sameShape(shape, first));
  if (other >= 0) {
    throw new Failure({
      code: 'checkpoint/shape',
      what: `q, k and v are ${shapes.map(show).join(', ')}, and can only be read where they are of one shape.`,
      where: `tensor ${names[other] ?? original}`,
      cure: 'Use a version of the model whose heads were pruned alike.',
    });
  }
  return [shapes.length * axis(first, 0), ...first.slice(1)];
}

/** A tensor of a SAM; of several in the files, all stacked along the first axis. */
export async function readJoined(owners: Owners, names: readonly string[]): Promise<HostTensor> {
  const parts: HostTensor[] = [];
  for (const name of names) {
    const owner = owners.get(name);
    if (!owner) throw new RangeError(`no file holds ${name}`);
    parts.push(await owner.read(name));
  }
  const [first] = parts;
  if (!first || parts.length === 1) return first ?? { shape: [0], data: new Float32Array() };
  const data = new Float32Array(parts.length * first.data.length);
  for (const [i, part] of parts.entries()) data.set(part.data, i * first.data.length);
  return { shape: [parts.length * axis(first.shape, 0), ...first.shape.slice(1)], data };
}
