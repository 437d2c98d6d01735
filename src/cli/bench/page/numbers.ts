import { Random } from '../../../config/random.ts';

/** `count` seeded normal numbers times `scale`; the same in every run. */
export function normalNumbers(name: string, count: number, scale = 1): Float32Array {
  const random = Random.fromSeed(1, name);
  return Float32Array.from({ length: count }, () => scale * random.normal());
}

/** Rows become columns: [rows, columns] → [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}
