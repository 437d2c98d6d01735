import type { ShownChannels } from './decode/channels.ts';
import { notice } from './outcome.ts';
import type { ChannelChoice } from './reading/reading.ts';
import type { Refusal } from './types.ts';

/** An image of two or of more than three channels, and which of them it shows by itself. */
export interface ManyChannels {
  readonly file: string;
  readonly channels: ShownChannels;
}

/**
 * What all of these images show, so that they are alike: the choice of most of them, the first of equals. Undefined
 * where they differ in the number of their channels.
 */
export function commonChannels(images: readonly ManyChannels[]): ChannelChoice | undefined {
  const [first] = images;
  if (!first || images.some(({ channels }) => channels.of !== first.channels.of)) return undefined;
  const votes = new Map<string, { shown: ChannelChoice; count: number }>();
  for (const { channels } of images) {
    const key = channels.shown.join();
    const known = votes.get(key);
    if (known) known.count++;
    else votes.set(key, { shown: channels.shown, count: 1 });
  }
  let best = { shown: first.channels.shown, count: 0 };
  for (const vote of votes.values()) if (vote.count > best.count) best = vote;
  return best.shown;
}

/** A remark for each number of channels that images have. */
export function channelRemarks(images: readonly ManyChannels[]): Refusal[] {
  const groups = new Map<number, ManyChannels[]>();
  for (const image of images) {
    const known = groups.get(image.channels.of);
    if (known) known.push(image);
    else groups.set(image.channels.of, [image]);
  }
  return [...groups].map(([of, own]) => {
    const file = own[0]?.file ?? '';
    const shown = commonChannels(own) ?? [1, 1, 1];
    const count = own.length === 1 ? 'This image has' : `${own.length} images, this one the first, have`;
    const [red, green, blue] = shown;
    const which =
      red === green && green === blue
        ? `channel ${red} is shown, as grey`
        : `channels ${red}, ${green} and ${blue} are shown as red, green and blue`;
    return notice(
      'data/channels',
      file,
      `${count} ${of} channels, of which ${which}.`,
      'If others show the objects better, choose three in the preview before the import, with --channels or "channels" in dataset.json, or export those as RGB.',
    );
  });
}
