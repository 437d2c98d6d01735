/** What the page says of the worth of modules. */

import { minutes, plural } from '../../../config/words.ts';
import type { WorthForecast } from '../../../worker/protocol.ts';

/** How long measuring takes. */
export function forecastText({ measurements, images, seconds }: WorthForecast): string {
  const work = `about ${plural(measurements, 'measurement')}, ${plural(images, 'validation image')}`;
  return seconds === null
    ? `How long it takes shows once it has begun (${work}).`
    : `It takes about ${minutes(seconds)} (${work}).`;
}

/** "6 of 18 modules give all of the gain, within its error." */
export function greedySentence(needed: number, all: number): string {
  if (needed === 0) return 'Without any module it does as well.';
  const gives = needed === 1 ? 'gives' : 'give';
  return `${needed} of ${plural(all, 'module')} ${gives} all of the gain, within its error.`;
}

/** In hundredths of IoU: "1.2", "−0.4". */
export function points(value: number): string {
  const text = (100 * Math.abs(value)).toFixed(1);
  return value < 0 && Number(text) > 0 ? `−${text}` : text;
}
