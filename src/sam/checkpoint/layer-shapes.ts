import type { Shape } from '../../graph/shape.ts';

/** Shapes of a checkpoint by name, while they are collected. */
export type ShapeMap = Map<string, Shape>;

/** `nn.Linear` with bias. */
export function addLinear(shapes: ShapeMap, name: string, from: number, to: number): void {
  shapes.set(`${name}.weight`, [to, from]);
  shapes.set(`${name}.bias`, [to]);
}

/** `nn.LayerNorm`, or SAM's LayerNorm2d. */
export function addNorm(shapes: ShapeMap, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

/** A convolution with bias, transposed or not. @param out its output channels. */
export function addConv(shapes: ShapeMap, name: string, kernel: Shape, out: number): void {
  shapes.set(`${name}.weight`, kernel);
  shapes.set(`${name}.bias`, [out]);
}

/** SAM's MLP: `depth` linear layers. */
export function addMlp(
  shapes: ShapeMap,
  name: string,
  from: number,
  hidden: number,
  to: number,
  depth: number,
): void {
  for (let i = 0; i < depth; i++)
    addLinear(shapes, `${name}.layers.${i}`, i === 0 ? from : hidden, i === depth - 1 ? to : hidden);
}
