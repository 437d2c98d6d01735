import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 10);
/** With a point within an edge, which nobody writes for a box. */
const SQUARE = '0.1 0.2 0.2 0.2 0.3 0.2 0.3 0.6 0.1 0.6';
const BOX = '0.5 0.5 0.2 0.4';

const read = (files: Readonly<Record<string, unknown>>) =>
  understoodDrop({ 'set/images/a.png': IMAGE, ...files });
const names = async (files: Readonly<Record<string, unknown>>) =>
  (await read({ 'set/labels/a.txt': `1 ${SQUARE}\n0 0.6 0.2 0.7 0.2 0.7 0.4\n`, ...files })).images[
    'set/images/a.png'
  ]?.objects.map(([name]) => name);

describe('YOLO', () => {
  it('reads outlines as shares of the sides', async () => {
    const { images, remarks } = await read({ 'set/labels/a.txt': `0 ${SQUARE}` });
    expect(images['set/images/a.png']).toEqual({ objects: [['class 0', 16, [2, 2, 6, 6]]], ignored: 0 });
    expect(remarks).toEqual([]);
  });

  it('takes names from data.yaml or classes.txt, the nearest first', async () => {
    expect(await names({ 'set/data.yaml': 'names: [leaf, "stem, dry"] # two\n' })).toEqual([
      'stem, dry',
      'leaf',
    ]);
    expect(await names({ 'set/data.yaml': 'names:\n  0: leaf\n  1: stem\n' })).toEqual(['stem', 'leaf']);
    expect(await names({ 'set/data.yaml': 'names:\n- leaf\n- stem\n' })).toEqual(['stem', 'leaf']);
    expect(await names({ 'set/classes.txt': 'leaf\nstem\n' })).toEqual(['stem', 'leaf']);
    expect(await names({ 'set/classes.txt': 'a\nb\n', 'set/labels/classes.txt': 'leaf\nstem\n' })).toEqual([
      'stem',
      'leaf',
    ]);
    expect(await names({ 'set/data.yaml': 'names: [leaf\n: {' })).toEqual(['class 1', 'class 0']);
    expect(await names({ 'set.yaml': 'path: set\nnames: [leaf, stem]\n' })).toEqual(['stem', 'leaf']);
    expect(await names({ 'set/set.yaml': 'path: set\nnames: [leaf, stem]\n' })).toEqual(['stem', 'leaf']);
    expect(await names({ 'set/data.yaml': 'names: {1: stem}\n' })).toEqual(['stem', 'class 0']);
  });

  it('finds the images of splits, and of labels beside images', async () => {
    const { images } = await understoodDrop({
      'set/images/train/a.png': IMAGE,
      'set/images/val/a.png': IMAGE,
      'set/labels/train/a.txt': `0 ${SQUARE}`,
      'set/labels/val/a.txt': '0 0 0 1 0 1 1 0 1',
    });
    expect(Object.values(images).map((each) => each?.objects[0]?.[1])).toEqual([16, 200]);
    const flat = await understoodDrop({ 'a.png': IMAGE, 'a.txt': `0 ${SQUARE}` });
    expect(flat.images['a.png']?.objects.length).toBe(1);
  });

  it('refuses boxes alone, and ignores those among outlines', async () => {
    const alone = await read({ 'set/labels/a.txt': `0 ${BOX}\n1 ${BOX}\n` });
    expect(alone.images['set/images/a.png']).toBe(null);
    expect(alone.remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-boxes set\/labels\/a.txt: 2 .* box/),
    ]);
    const mixed = await read({ 'set/labels/a.txt': `0 ${BOX}\n1 ${SQUARE}\n` });
    expect(mixed.images['set/images/a.png']).toEqual({
      objects: [['class 1', 16, [2, 2, 6, 6]]],
      ignored: 16,
    });
  });

  it('says when all outlines are boxes, upright or turned', async () => {
    for (const corners of ['0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6', '0.2 0.2 0.4 0.4 0.3 0.6 0.1 0.4']) {
      const { images, remarks } = await read({ 'set/labels/a.txt': `0 ${corners}` });
      expect(images['set/images/a.png']?.objects.length).toBe(1);
      expect(remarks).toEqual([expect.stringMatching(/^notice data\/annotation-rectangles/)]);
    }
    expect((await read({ 'set/labels/a.txt': '0 0.1 0.2 0.3 0.2 0.4 0.6 0.1 0.6' })).remarks).toEqual([]);
  });

  it.each([
    ['a confidence', `0 ${SQUARE} 0.87\n1 ${SQUARE} 1\n`, "a model's confidence:"],
    [
      'a confidence and a track',
      `0 ${SQUARE} 0.87 1\n1 ${SQUARE} 0.5 2\n`,
      "a model's confidence and the number of a track",
    ],
  ])('takes outlines with %s behind them, and says so', async (_, lines, says) => {
    const { images, remarks } = await read({ 'set/labels/a.txt': lines });
    expect(images['set/images/a.png']?.objects.at(-1)).toEqual(['class 1', 16, [2, 2, 6, 6]]);
    expect(remarks.join()).toContain(
      `notice data/annotation-predicted set/labels/a.txt: Behind the outline of each line is ${says}`,
    );
  });

  const points = [1, 2, 3, 4].map((n) => [0.4 + 0.04 * n, 0.3 + 0.08 * n] as const);
  const seen = (...how: readonly (string | number)[]) =>
    points.map(([x, y], i) => [x, y, how[i]].filter((each) => each !== undefined).join(' ')).join(' ');
  it.each([
    ['boxes with confidences', `0 ${BOX} 0.9`, 'boxes', "1 .* a model's confidence or an angle"],
    ['boxes with tracks', `0 ${BOX} 0.9 1\n0 ${BOX} 0.9 2`, 'boxes', '2 .* the number of a track'],
    ['boxes with angles', `0 ${BOX} 1.57\n0 ${BOX} -0.3`, 'boxes', '2 .* an angle'],
    ['key points that are seen', `0 ${BOX} ${seen(1, 1, 1, 1)}`, 'key-points', 'key points'],
    ['a key point', `0 ${BOX} 0.5 0.5 1`, 'key-points', 'key points'],
    [
      'key points without how they are seen',
      `0 ${BOX} ${seen()}\n0 ${BOX} ${seen()}`,
      'key-points',
      'key points',
    ],
    ['key points of a model', `0 ${BOX} ${seen(0.9, 0.8, 0.9, 0.7)}`, 'key-points', 'key points'],
    ['key points, some not seen', `0 ${BOX} ${seen(0.9, 0.8, 0.9, 0.7)} 0 0 0.1`, 'key-points', 'key points'],
    ['classes', '0\n3\n', 'classes', 'classes alone'],
    ['classes of a model', '0.91 leaf\n0.09 stem\n', 'classes', 'classes alone'],
    ['classes with confidences', '0 0.91\n', 'classes', 'classes alone'],
  ])('refuses %s with the right words', async (_, lines, code, says) => {
    const { images, remarks } = await read({ 'set/labels/a.txt': lines });
    expect(images['set/images/a.png']).toBeNull();
    expect(remarks).toEqual([
      expect.stringMatching(
        new RegExp(
          `^refused data/annotation-${code} set/labels/a.txt: .*${says.replace(/^\d/, '(A line|$&)')}`,
        ),
      ),
    ]);
  });

  it('takes no outline for key points, wherever it lies', async () => {
    for (const at of [0.1, 0.3, 0.5, 0.7])
      for (const count of [6, 7, 8, 10, 13]) {
        const ring = Array.from({ length: count }, (_, i) => {
          const angle = (2 * Math.PI * i) / count;
          return `${at + 0.09 * Math.cos(angle)} ${at + 0.09 * Math.sin(angle)}`;
        });
        const lines = [ring, ring.toReversed(), ring.slice(2).concat(ring.slice(0, 2))].map(
          (each) => `0 ${each.join(' ')}`,
        );
        for (const behind of ['', ' 0.9'])
          for (const line of lines) {
            const { images } = await read({ 'set/labels/a.txt': `${line}${behind}\n` });
            expect(images['set/images/a.png']?.objects).toHaveLength(1);
          }
      }
  });

  it('says once what holds for files that are called by numbers', async () => {
    const { remarks } = await understoodDrop(
      Object.fromEntries(
        ['0', '1', '2', '3', '4'].flatMap((n) => [
          [`s/images/${n}.png`, IMAGE],
          [`s/labels/${n}.txt`, `0 ${SQUARE}\n0 9 9 9 9 9 9\n`],
        ]),
      ),
    );
    expect(remarks).toEqual([expect.stringMatching(/labels\/0.txt: .* line 2: .* 4 other files/)]);
  });

  it('takes an empty file for an image without objects, and text for no labels', async () => {
    const { images } = await read({ 'set/labels/a.txt': '\n' });
    expect(images['set/images/a.png']).toEqual({ objects: [], ignored: 0 });
    const { remarks } = await read({ 'set/labels/a.txt': 'see images/a.png' });
    expect(remarks.join()).not.toMatch(/annotation/);
  });

  it('names the lines that it cannot read', async () => {
    const bad: readonly (readonly [string, RegExp])[] = [
      ['0 0.1 0.2 0.3 0.2 0.3', /5 coordinates, an odd number/],
      ['0 100 200 300 200 300 600', /no shares of width and height/],
      ['0 0.1 0.2 0.3 x 0.3 0.6', /coordinates is null/],
      ['1.5 0.1 0.2 0.3 0.2 0.3 0.6', /class is no whole number/],
    ];
    for (const [line, reason] of bad) {
      const { images, remarks } = await read({ 'set/labels/a.txt': `0 ${SQUARE}\n${line}\n` });
      expect(images['set/images/a.png']?.objects.length).toBe(1);
      expect(remarks).toEqual([expect.stringMatching(reason)]);
      expect(remarks[0]).toContain('line 2');
    }
    const pose = await read({
      'set/labels/a.txt': `0 ${SQUARE}`,
      'set/data.yaml': 'names: [a]\nkpt_shape: [2, 2]',
    });
    expect(pose.remarks[0]).toMatch(/^refused data\/annotation-key-points/);
    const seen = await read({
      'set/labels/a.txt': `0 ${BOX} 0.4 0.4 2 0.6 0.6 1\n0 ${BOX} 0 0 0 0.5 0.5 2\n`,
    });
    expect(seen.images['set/images/a.png']).toBe(null);
    expect(seen.remarks).toEqual([expect.stringMatching(/^refused data\/annotation-key-points/)]);
    const lost = await read({ 'set/labels/b.txt': `0 ${SQUARE}` });
    expect(lost.remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-image-missing set\/labels\/b.txt/),
    ]);
  });
});
