/** Screenshots with 256 colours: a quarter of the bytes, and no difference that a reader of a page would see. */
import { decode, encode } from 'fast-png';

const COLOURS = 256;

/**
 * A PNG of 8 bits a channel as one with a palette. Transparency is dropped.
 * @param {Uint8Array} png
 * @returns {Uint8Array}
 */
export function smallerPng(png) {
  const { width, height, channels, data } = decode(png);
  const pixels = new Uint32Array(width * height);
  const counts = new Map();
  for (let i = 0; i < pixels.length; i++) {
    const at = i * channels;
    const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    pixels[i] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const groups = medianCut(
    [...counts].map(([colour, n]) => ({ colour, n })),
    COLOURS,
  );
  const indexOf = new Map();
  for (const [index, group] of groups.entries()) for (const { colour } of group) indexOf.set(colour, index);
  return encode(
    {
      width,
      height,
      channels: 1,
      depth: 8,
      data: Uint8Array.from(pixels, (colour) => indexOf.get(colour)),
      palette: groups.map(meanColour),
    },
    { zlib: { level: 9 } },
  );
}

const channelOf = (colour, channel) => (colour >> (16 - 8 * channel)) & 255;
const sizeOf = (group) => group.reduce((sum, { n }) => sum + n, 0);

/** Groups of similar colours: the group whose split saves most error is split at its mean, until there are enough. */
function medianCut(colours, most) {
  const groups = [withSpread(colours)];
  while (groups.length < most) {
    groups.sort((a, b) => b.error - a.error);
    const [widest] = groups;
    if (widest.error === 0) break;
    const low = widest.group.filter(({ colour }) => channelOf(colour, widest.channel) <= widest.mean);
    const high = widest.group.filter(({ colour }) => channelOf(colour, widest.channel) > widest.mean);
    groups.splice(0, 1, withSpread(low), withSpread(high));
  }
  return groups.map(({ group }) => group);
}

/** A group with the channel in which it spreads most, its mean there, and the squared error of taking the mean. */
function withSpread(group) {
  const total = sizeOf(group);
  let most = { group, channel: 0, mean: 0, error: 0 };
  for (const channel of [0, 1, 2]) {
    const mean = group.reduce((sum, { colour, n }) => sum + n * channelOf(colour, channel), 0) / total;
    const error = group.reduce((sum, { colour, n }) => sum + n * (channelOf(colour, channel) - mean) ** 2, 0);
    if (error > most.error) most = { group, channel, mean, error };
  }
  return most;
}

function meanColour(group) {
  const total = sizeOf(group);
  return [0, 1, 2].map((channel) =>
    Math.round(group.reduce((sum, { colour, n }) => sum + n * channelOf(colour, channel), 0) / total),
  );
}
