import { axis, type Shape } from '../../graph/shape.ts';
import { missingTensor } from './tensor-file.ts';

/** The shapes of a checkpoint by SAM's names, to read sizes off them. */
export class ShapeReader {
  /** @param file its name, for messages. */
  constructor(
    private readonly shapes: ReadonlyMap<string, Shape>,
    private readonly file: string,
  ) {}

  has(name: string): boolean {
    return this.shapes.has(name);
  }

  /** Axis `i` of a tensor. @throws Failure `checkpoint/missing`. */
  axis(name: string, i: number): number {
    const shape = this.shapes.get(name);
    if (!shape) throw missingTensor(name, this.file);
    return axis(shape, i);
  }

  /** How many different values the first group of a pattern has among the names. */
  count(pattern: RegExp): number {
    return new Set([...this.shapes.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
  }
}
