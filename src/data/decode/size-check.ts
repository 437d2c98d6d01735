import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';

/** Refuses an image that is empty or larger than {@link limits}, before anything is allocated for it. */
export function checkSize(file: string, width: number, height: number): void {
  if (width < 1 || height < 1) {
    throw refuse(
      'data/no-pixels',
      file,
      `The file says that its image is ${width} × ${height} pixels.`,
      'Export it again; this file holds no image.',
    );
  }
  if (width > limits.side || height > limits.side || width * height > limits.pixels) {
    throw refuse(
      'data/too-large',
      file,
      `The file says that its image is ${width} × ${height} pixels; at most ${limits.pixels / 1e6} million pixels and ${limits.side} a side can be read.`,
      'Split it into tiles or scale it down, and drop the result.',
    );
  }
}

/** The refusal of a file that ends too early. */
export function truncated(file: string, format: string) {
  return refuse(
    'data/truncated',
    file,
    `The ${format} file ends before its image does.`,
    'Copy or download it again; the transfer stopped early.',
  );
}

/** The refusal of a file whose bytes contradict its format. */
export function damaged(file: string, format: string, detail: string) {
  return refuse(
    'data/damaged',
    file,
    `The ${format} file is damaged (${detail}).`,
    'Copy it again from its source, or open it in an image program and save it again as PNG.',
  );
}

/** The refusal of a variant of a format that cannot be read. */
export function unsupported(
  file: string,
  what: string,
  cure = 'Save it as an 8-bit or 16-bit PNG and drop that.',
) {
  return refuse('data/unsupported', file, what, cure);
}
