import { Failure } from '../../config/failure.ts';
import { type Shape, show } from '../../graph/shape.ts';
import { missingTensor } from './tensor-file.ts';

/** The shapes of a checkpoint by SAM's names, to read sizes off them. */
export class ShapeReader {
  /** @param file its name, for messages. */
  constructor(
    private readonly shapes: ReadonlyMap<string, Shape>,
    readonly file: string,
  ) {}

  /** The shape of a tensor. @throws Failure `checkpoint/missing`. */
  shape(name: string): Shape {
    const shape = this.shapes.get(name);
    if (!shape) throw missingTensor(name, this.file, { there: this.shapes.keys() });
    return shape;
  }

  /** The failure for a tensor whose shape fits nothing. @param what one sentence. */
  misfit(name: string, what: string): Failure {
    return new Failure({
      code: 'checkpoint/shape',
      what,
      where: `${this.file}, tensor ${name}`,
      cure: 'Use a complete SAM checkpoint; download or save it again.',
    });
  }

  has(name: string): boolean {
    return this.shapes.has(name);
  }

  /** Axis `i` of a tensor, at least 1. @throws Failure `checkpoint/missing`, `checkpoint/shape`. */
  axis(name: string, i: number): number {
    const shape = this.shape(name);
    const size = shape[i];
    if (size === undefined || size < 1)
      throw this.misfit(name, `Its shape ${show(shape)} has no axis ${i} of a size.`);
    return size;
  }

  /** How many different values the first group of a pattern has among the names. */
  count(pattern: RegExp): number {
    return new Set([...this.shapes.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
  }
}
