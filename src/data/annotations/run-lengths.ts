import { RunCounter } from './shape.ts';

/**
 * The lengths of COCO's compressed text (pycocotools `rleToString`): every length from the fourth on is the difference
 * to the one two before it; numbers are written in characters of 5 bits, the lowest first, from code 48 on, with 32
 * for "more follows" and the highest bit of the last one as the sign.
 * @returns undefined when the text is not of that form.
 */
export function countsOfText(text: string): number[] | undefined {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    let value = 0;
    let scale = 1;
    for (let more = true; more; ) {
      const code = text.charCodeAt(at++) - 48;
      // 7 characters hold 35 bits, more than any image has pixels; NaN at the end of the text fails too.
      if (!(code >= 0 && code < 64) || scale > 2 ** 30) return undefined;
      value += (code & 31) * scale;
      scale *= 32;
      more = code >= 32;
      if (!more && (code & 16) !== 0) value -= scale;
    }
    if (counts.length > 2) value += counts[counts.length - 2] as number;
    counts.push(value);
  }
  return counts;
}

/** Lengths as COCO's compressed text: the other way round of {@link countsOfText}. */
export function textOfCounts(counts: ArrayLike<number>): string {
  const codes: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    let value = (counts[i] as number) - (i > 2 ? (counts[i - 2] as number) : 0);
    for (let more = true; more; ) {
      const bits = value & 31;
      value >>= 5;
      more = value !== ((bits & 16) === 0 ? 0 : -1);
      codes.push(48 + bits + (more ? 32 : 0));
    }
  }
  let text = '';
  for (let at = 0; at < codes.length; at += 8192) text += String.fromCharCode(...codes.slice(at, at + 8192));
  return text;
}

/**
 * Lengths as they are kept, or what is wrong with them: one that is no whole number of pixels, or more of them than
 * there are pixels.
 */
export function checkedCounts(counts: readonly unknown[], pixels: number): Int32Array | string {
  const out = new Int32Array(counts.length);
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i];
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
      return `its run length ${i + 1} is ${String(count).slice(0, 20)}`;
    }
    total += count;
    if (total > pixels) return `its run lengths cover more than its ${pixels} pixels`;
    out[i] = count;
  }
  return out;
}

/**
 * The run lengths of a brush of Label Studio: the RGBA bytes of its pixels, of which alpha says what is painted,
 * packed bit by bit as by `@thi.ng/rle-pack`: 32 bits for how many values there are, 5 for the bits of a value less
 * one, four times 4 for the bits of a length less one; then pieces of a bit (whether one value is repeated), 2 bits
 * for which of the four lengths follows, the length less one, and the value, or that many of them.
 * @returns lengths of background, painted, background … pixels, or what is wrong with them.
 */
export function countsOfBrush(packed: readonly unknown[], pixels: number): Int32Array | string {
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) {
    const value = packed[i];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 255) {
      return `byte ${i + 1} of its brush is ${String(value).slice(0, 20)}`;
    }
    bytes[i] = value;
  }
  const bits = new BitReader(bytes);
  const length = bits.read(32);
  if (length !== 4 * pixels) return `its brush covers ${length / 4} pixels and its image has ${pixels}`;
  const valueBits = bits.read(5) + 1;
  const lengthBits = [0, 1, 2, 3].map(() => bits.read(4) + 1);
  const counter = new RunCounter();
  for (let at = 0; at < length; ) {
    const isRepeated = bits.read(1) === 1;
    const count = bits.read(lengthBits[bits.read(2)] ?? 1) + 1;
    if (bits.isOver || at + count > length) return 'the run lengths of its brush are damaged';
    if (isRepeated) {
      // Every fourth value is an alpha, those at 3, 7, 11 …
      const alphas = Math.floor((at + count) / 4) - Math.floor(at / 4);
      const value = bits.read(valueBits);
      if (alphas > 0) counter.add(value, alphas);
      at += count;
    } else {
      for (const end = at + count; at < end; at++) {
        const value = bits.read(valueBits);
        if (at % 4 === 3) counter.add(value);
      }
    }
    if (bits.isOver) return 'the run lengths of its brush are damaged';
  }
  return counter.finish();
}

/** Numbers of any number of bits, the highest first. */
class BitReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Whether more was read than there is. */
  get isOver(): boolean {
    return this.at > 8 * this.bytes.length;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.at++) {
      const bit = ((this.bytes[this.at >> 3] ?? 0) >> (7 - (this.at & 7))) & 1;
      value = 2 * value + bit;
    }
    return value;
  }
}
