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
