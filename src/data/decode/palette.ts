/**
 * Whether indices into a palette are grey values from black to white themselves, as many as `bits` can count: then the
 * palette says nothing.
 * @param palette RGB triples.
 */
export function isGreyRamp(palette: Uint8Array, bits: number): boolean {
  const top = 2 ** bits - 1;
  if (palette.length < 3 * (top + 1)) return false;
  for (let i = 0; i <= top; i++) {
    const grey = Math.round((i * 255) / top);
    for (let c = 0; c < 3; c++) if (palette[3 * i + c] !== grey) return false;
  }
  return true;
}
