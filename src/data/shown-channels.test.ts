import { describe, expect, it } from 'vitest';
import { greyTiff } from '../testing/grey-tiff.ts';
import type { Dataset } from './dataset.ts';
import { DatasetStore } from './dataset-store.ts';
import { inspectDataset } from './inspect.ts';
import { MemoryStore } from './memory-store.ts';
import type { ChannelChoice } from './reading/reading.ts';
import { channelRemarks, commonChannels, type ManyChannels } from './shown-channels.ts';

const image = (file: string, of: number, shown: ChannelChoice): ManyChannels => ({
  file,
  channels: { of, shown },
});

describe('what images of many channels show', () => {
  it('is the same for all, as most of them would have it', () => {
    const one = image('a', 2, [1, 1, 1]);
    const two = image('b', 2, [2, 2, 2]);
    expect(commonChannels([one, two, two])).toEqual([2, 2, 2]);
    expect(commonChannels([one, two])).toEqual([1, 1, 1]);
    expect(commonChannels([])).toBeUndefined();
    expect(commonChannels([one, image('c', 5, [1, 2, 3])])).toBeUndefined();
  });

  it('is said once for each number of channels', () => {
    const remarks = channelRemarks([
      image('a', 2, [2, 2, 2]),
      image('b', 5, [1, 2, 3]),
      image('c', 5, [1, 2, 3]),
    ]);
    expect(remarks.map(({ file, reason }) => [file, reason])).toEqual([
      ['a', 'This image has 2 channels, of which channel 2 is shown, as grey.'],
      [
        'b',
        '2 images, this one the first, have 5 channels, of which channels 1, 2 and 3 are shown as red, green and blue.',
      ],
    ]);
  });
});

/** A TIFF of two pixels with two channels, interleaved. */
function twoChannels(name: string, ...values: readonly [number, number, number, number]) {
  const bytes = greyTiff({ width: 2, height: 1, bits: 8, samples: 2 }, Uint8Array.from(values));
  return { path: `${name}.tif`, size: bytes.length, bytes: () => Promise.resolve(bytes) };
}

const dataset: Dataset = {
  name: 'cells',
  samples: [
    { name: 'a', image: twoChannels('a', 0, 9, 1, 200) },
    { name: 'b', image: twoChannels('b', 0, 9, 2, 100) },
    { name: 'c', image: twoChannels('c', 0, 9, 90, 9) },
  ],
};

describe('the channels of a dataset', () => {
  it('are found when it is inspected, and kept', async () => {
    const inspected = await inspectDataset(dataset);
    expect(inspected.dataset.samples.map(({ channels }) => channels)).toEqual(new Array(3).fill([2, 2, 2]));
    expect(inspected.refusals.map(({ code }) => code)).toEqual(['data/channels']);
    const store = new DatasetStore(new MemoryStore());
    const { id } = await store.save(inspected);
    const loaded = await store.load(id);
    expect(loaded.ok && loaded.value.dataset.samples.map(({ channels }) => channels)).toEqual(
      new Array(3).fill([2, 2, 2]),
    );
  });

  it('are those that were chosen, without a word; one that is not there is refused', async () => {
    const chosen = await inspectDataset(dataset, { changes: { channels: [2, 1, 1] } });
    expect(chosen.refusals).toEqual([]);
    expect(chosen.dataset.samples[0]?.channels).toEqual([2, 1, 1]);
    const wrong = await inspectDataset(dataset, { changes: { channels: [3, 1, 1] } });
    expect(wrong.samples).toEqual([]);
    expect(wrong.refusals[0]?.reason).toContain('channel 3');
  });
});
