import type { ChannelChoice } from '../reading/reading.ts';
import { depthMapping } from './depth.ts';
import type { Raster, RasterData } from './raster.ts';
import { unsupported } from './size-check.ts';

/** Which of its channels an image shows. */
export interface ShownChannels {
  /** Colour channels of the file, alpha left out. */
  readonly of: number;
  readonly shown: ChannelChoice;
}

/** Channels of a raster without alpha. */
const colourChannels = ({ channels, hasAlpha }: Raster) => (hasAlpha ? channels - 1 : channels);

/**
 * The channels that a raster shows: those chosen, else the first three, of two the one with more contrast (as grey). One
 * channel is grey whatever was chosen.
 * @throws Failure naming `file` when a chosen channel does not exist.
 */
export function chooseChannels(raster: Raster, file: string, choice?: ChannelChoice): ShownChannels {
  const of = colourChannels(raster);
  if (of === 1) return { of, shown: [1, 1, 1] };
  if (choice) {
    const missing = choice.find((channel) => !(Number.isInteger(channel) && channel >= 1 && channel <= of));
    if (missing === undefined) return { of, shown: choice };
    throw unsupported(
      file,
      `This image has ${of} channels, so its channel ${missing} cannot be shown.`,
      `Choose channels between 1 and ${of}.`,
    );
  }
  if (of > 2) return { of, shown: [1, 2, 3] };
  const more = contrastOf(raster, 1) > contrastOf(raster, 0) ? 2 : 1;
  return { of, shown: [more, more, more] };
}

/** How far apart the darkest and the brightest values of a channel are, single pixels left out. */
function contrastOf(raster: Raster, channel: number): number {
  const { low, high } = depthMapping(samplesOfChannels(raster, [channel]));
  return high - low;
}

/** The samples of some channels (from 0) of every pixel; the raster's own array when these are all of its channels. */
export function samplesOfChannels(
  { data, channels, width, height }: Raster,
  wanted: readonly number[],
): RasterData {
  if (wanted.length === channels && wanted.every((channel, i) => channel === i)) return data;
  const pixels = width * height;
  const keep = wanted.length;
  const out = new (data.constructor as new (n: number) => RasterData)(pixels * keep);
  for (let c = 0; c < keep; c++) {
    const channel = wanted[c] as number;
    for (let i = 0; i < pixels; i++) out[i * keep + c] = data[i * channels + channel] as number;
  }
  return out;
}
