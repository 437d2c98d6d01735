import { coco } from './coco.ts';
import { pngInstances } from './masks.ts';
import type { OutFormat } from './out-format.ts';

/** The formats in which labels go out, as they are offered. */
export const outFormats: readonly OutFormat[] = [coco, pngInstances];
