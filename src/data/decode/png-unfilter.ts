/** How the samples of a PNG are laid out. */
export interface PngLayout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly bits: 1 | 2 | 4 | 8 | 16;
  readonly interlaced: boolean;
}

/** Start and step of the seven passes of an interlaced PNG (PNG specification, third edition, 8.2). */
export const ADAM7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
] as const;

/** Samples of a pass along one axis. */
export const passSize = (size: number, start: number, step: number) =>
  Math.max(0, Math.ceil((size - start) / step));

/**
 * Undoes the row filters and the interlacing of unpacked PNG data (long enough for its layout).
 * @returns one element a sample, height · width · channels; undefined when a row names an unknown filter.
 */
export function unfilterPng(raw: Uint8Array, layout: PngLayout): Uint8Array | Uint16Array | undefined {
  const { width, height, channels, bits, interlaced } = layout;
  const count = width * height * channels;
  const out = bits === 16 ? new Uint16Array(count) : new Uint8Array(count);
  const passes = interlaced ? ADAM7 : [{ x: 0, y: 0, dx: 1, dy: 1 }];
  let at = 0;
  for (const pass of passes) {
    const columns = passSize(width, pass.x, pass.dx);
    const rows = passSize(height, pass.y, pass.dy);
    if (columns === 0 || rows === 0) continue;
    const rowBytes = Math.ceil((columns * channels * bits) / 8);
    let above: Uint8Array = new Uint8Array(rowBytes);
    for (let r = 0; r < rows; r++) {
      const row = raw.subarray(at + 1, at + 1 + rowBytes);
      if (!unfilterRow(raw[at] as number, row, above, Math.max(1, (channels * bits) >> 3))) return undefined;
      spread(row, layout, out, (pass.y + r * pass.dy) * width + pass.x, pass.dx, columns);
      above = row;
      at += 1 + rowBytes;
    }
  }
  return out;
}

/** Undoes one row's filter in place; `step` is the bytes from a sample to the same sample of the pixel before. */
function unfilterRow(filter: number, row: Uint8Array, above: Uint8Array, step: number): boolean {
  const n = row.length;
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (let i = step; i < n; i++) row[i] = (row[i] as number) + (row[i - step] as number);
      return true;
    case 2:
      for (let i = 0; i < n; i++) row[i] = (row[i] as number) + (above[i] as number);
      return true;
    case 3:
      for (let i = 0; i < n; i++) {
        const left = i < step ? 0 : (row[i - step] as number);
        row[i] = (row[i] as number) + ((left + (above[i] as number)) >> 1);
      }
      return true;
    case 4:
      for (let i = 0; i < n; i++) {
        const left = i < step ? 0 : (row[i - step] as number);
        const corner = i < step ? 0 : (above[i - step] as number);
        row[i] = (row[i] as number) + paeth(left, above[i] as number, corner);
      }
      return true;
    default:
      return false;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Puts the samples of a row at pixels `pixel`, `pixel + dx`, … of the result. */
function spread(
  row: Uint8Array,
  { channels, bits }: PngLayout,
  out: Uint8Array | Uint16Array,
  pixel: number,
  dx: number,
  columns: number,
): void {
  if (bits === 8 && dx === 1) {
    out.set(row, pixel * channels);
    return;
  }
  const mask = (1 << bits) - 1;
  for (let x = 0; x < columns; x++) {
    for (let c = 0; c < channels; c++) {
      const sample = x * channels + c;
      let value: number;
      if (bits === 16) value = ((row[2 * sample] as number) << 8) | (row[2 * sample + 1] as number);
      else if (bits === 8) value = row[sample] as number;
      else {
        const bit = sample * bits;
        value = ((row[bit >> 3] as number) >> (8 - bits - (bit & 7))) & mask;
      }
      out[(pixel + x * dx) * channels + c] = value;
    }
  }
}
