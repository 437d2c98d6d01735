/** Multiplies each row of a matrix [rows, …], or each value of a vector, by its factor. */
export function scaleRows(values: Float32Array, factors: Float32Array): void {
  const width = values.length / factors.length;
  for (const [row, factor] of factors.entries())
    for (let i = row * width; i < (row + 1) * width; i++) values[i] = (values[i] ?? 0) * factor;
}
