import { describe, expect, it } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../encode-png.ts';
import { inspectDataset } from '../inspect.ts';
import { readDatasets } from '../read-datasets.ts';
import { changesOf, readSettings, settingsFor } from './settings.ts';

const fileOf = (content: string | Uint8Array, path = 'set/dataset.json') => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return { path, size: bytes.length, bytes: async () => bytes };
};

describe('dataset.json', () => {
  it('says what a person chooses', async () => {
    const all = {
      background: '#8c5a1e',
      ignore: [255, 'nan', 'transparent'],
      threshold: 128,
      instances: true,
      scale: 512,
      classNames: { '1': 'leaf', '#ff0000': 'stem' },
      together: true,
    };
    const read = await readSettings(fileOf(JSON.stringify(all)));
    expect(read).toEqual({ ok: true, value: all });
    expect(changesOf(all)).toEqual({
      background: 0x8c5a1e,
      ignored: [255, Number.NaN, 0x1000000],
      threshold: 128,
      instances: true,
    });
    expect(changesOf({ background: 'none' })).toEqual({ background: null });
    expect(await readSettings(fileOf('{}'))).toEqual({ ok: true, value: {} });
  });

  it('may be in UTF-16, as PowerShell writes it', async () => {
    const units = Uint16Array.from('\ufeff{"background": 3}', (character) => character.charCodeAt(0));
    const read = await readSettings(fileOf(new Uint8Array(units.buffer)));
    expect(read).toEqual({ ok: true, value: { background: 3 } });
  });

  it.each([
    ['no JSON', '{"background":', /not valid JSON/],
    ['nothing', '', /not valid JSON/],
    ['bytes', new Uint8Array([0xff, 0xfe, 0, 1]), /not valid JSON/],
    ['a list', '[1]', /setting 0 is wrong/],
    ['null', 'null', /at the top/],
    ['an unknown name', '{"backgruond": 1}', /backgruond/],
    ['a word for a value', '{"background": "black"}', /background/],
    ['a value that is no number', '{"background": {}}', /background/],
    ['one value for a list', '{"ignore": 255}', /ignore/],
    ['a list of lists', '{"ignore": [[1]]}', /ignore\.0/],
    ['too many values', JSON.stringify({ ignore: Array.from({ length: 300 }, (_, i) => i) }), /ignore/],
    ['a threshold in words', '{"threshold": "128"}', /threshold/],
    ['a number beyond all', '{"threshold": 1e999}', /threshold/],
    ['yes', '{"instances": "yes"}', /instances/],
    ['a scale in words', '{"scale": "half"}', /scale is wrong: it must be "whole" or/],
    ['crops of half a pixel', '{"scale": 64.5}', /scale/],
    ['crops of nothing', '{"scale": 0}', /scale/],
    ['a word for together', '{"together": "all"}', /together/],
    ['names of nothing', '{"classNames": {"leaf": "1"}}', /classNames/],
    ['a name that is long', JSON.stringify({ classNames: { '1': 'x'.repeat(300) } }), /classNames/],
    ['a deep nest', `${'{"background":'.repeat(2000)}1${'}'.repeat(2000)}`, /background/],
  ])('with %s is refused, naming what is wrong and the cure', async (_, content, says) => {
    const read = await readSettings(fileOf(content));
    expect(read.ok).toBe(false);
    if (read.ok) return;
    expect(read.refusal).toMatchObject({
      file: 'set/dataset.json',
      code: 'data/settings',
      severity: 'refused',
    });
    expect(read.refusal.reason).toMatch(says);
    expect(read.refusal.cure).toMatch(/"background".*"ignore".*"threshold".*"instances".*"classNames"/);
  });

  it('is not read when it is large', async () => {
    const read = await readSettings({ ...fileOf('{}'), size: 2 ** 21 });
    expect(read).toMatchObject({ ok: false, refusal: { code: 'data/too-large' } });
  });

  it('holds for the images below its folder, the innermost first', () => {
    const settings = new Map([
      ['', { threshold: 1 }],
      ['a', { threshold: 2 }],
      ['a/images', { threshold: 3 }],
    ]);
    expect(settingsFor(['a/images/1.png', 'a/images/x/2.png'], settings)).toEqual({ threshold: 3 });
    expect(settingsFor(['a/b/1.png', 'a/images/2.png'], settings)).toEqual({ threshold: 2 });
    expect(settingsFor(['ab/1.png'], settings)).toEqual({ threshold: 1 });
    expect(settingsFor(['ab/1.png'], new Map([['a', {}]]))).toBeUndefined();
  });

  it('makes one dataset of all images below where it says together', async () => {
    const image = encodeImagePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(12) });
    const images = ['a/images/1.png', 'b/2.png', '3.png'].map((name) => fileOf(image, `set/${name}`));
    const datasetsOf = async (settings: string) =>
      (await readDatasets([...images, fileOf(image, 'other/4.png'), fileOf(settings)])).datasets.map(
        ({ name, samples }) => [name, samples.map((sample) => sample.name)],
      );
    expect(await datasetsOf('{"together": true}')).toEqual([
      ['other', ['4.png']],
      ['set', ['3.png', 'a/1.png', 'b/2.png']],
    ]);
    expect(await datasetsOf('{}')).toHaveLength(4);
  });

  it('changes how the dataset beside it is read, and names its classes', async () => {
    const size = { width: 8, height: 8 };
    const image = encodeImagePng({ ...size, channels: 3, data: new Uint8Array(192).map((_, i) => i) });
    const mask = encodeMaskPng({
      ...size,
      data: Int32Array.from({ length: 64 }, (_, i) => (i < 8 ? 9 : i % 8 < 3 ? 2 : i % 8 < 5 ? 0 : 1)),
    });
    const files = (settings: string) => [
      ...['1', '2'].flatMap((name) => [
        fileOf(image, `set/images/${name}.png`),
        fileOf(mask, `set/masks/${name}.png`),
      ]),
      fileOf(settings),
    ];
    const read = await readDatasets(
      files('{"background": 1, "ignore": [9], "classNames": {"0": "stem", "2": "leaf"}}'),
    );
    expect(read.refusals).toEqual([]);
    const [dataset] = read.datasets;
    if (!dataset) throw new Error('no dataset');
    const { dataset: clean, summary, reading, refusals } = await inspectDataset(dataset);
    expect(refusals).toEqual([]);
    expect(reading.masks).toMatchObject({ background: 1, ignored: [9], meaning: 'classes', zeroLabel: 1 });
    expect(summary).toMatchObject({ labels: [1, 2], objects: 4 });
    expect([clean.classNames?.get(1), clean.classNames?.get(2)]).toEqual(['stem', 'leaf']);
    // What the call says counts before the file.
    const asked = await inspectDataset(dataset, { changes: { background: 0, ignored: [] } });
    expect(asked.reading.masks).toMatchObject({ background: 0, ignored: [] });
    const wrong = await readDatasets(files('{"background": []}'));
    expect(wrong.refusals).toMatchObject([{ file: 'set/dataset.json', code: 'data/settings' }]);
    expect(wrong.datasets).toHaveLength(1);
  });
});
