import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 10);
const ROWS = '2.0 2.0 6.0 2.0 6.0 6.0 2.0 6.0 small-vehicle 0\n10 2 14 4 13 6 9 4 plane 1\n';

it('reads the turned boxes of DOTA as the rectangles that they are, and says so', async () => {
  for (const [folder, text] of [
    ['labelTxt', `imagesource:GoogleEarth\ngsd:0.146\n${ROWS}`],
    ['labelTxt-v1.5', ROWS],
    ['labels', ROWS],
  ]) {
    const { images, remarks } = await understoodDrop({
      'train/images/P0001.png': IMAGE,
      [`train/${folder}/P0001.txt`]: text,
    });
    expect(images['train/images/P0001.png']?.objects).toEqual([
      ['small-vehicle', 16, [2, 2, 6, 6]],
      ['plane', expect.any(Number), [expect.any(Number), 2, expect.any(Number), 6]],
    ]);
    expect(remarks).toEqual([expect.stringMatching(/^notice data\/annotation-rectangles .*P0001.txt/)]);
  }
});

it('names the lines that it cannot read, and leaves other texts alone', async () => {
  const read = async (text: string) =>
    (await understoodDrop({ 's/images/a.png': IMAGE, 's/labelTxt/a.txt': text })).remarks;
  expect(await read(`${ROWS}1 2 3 plane 0\n`)).toContainEqual(
    expect.stringMatching(/^notice data\/annotation-object .*line 3: it has not eight numbers and a class/),
  );
  expect(await read('1 2 3 4 5 6 7 8 9\n')).not.toContainEqual(
    expect.stringMatching(/annotation-rectangles/),
  );
  expect(await read('12 planes of 8 kinds\n')).toEqual([expect.stringMatching(/data\/not-an-image/)]);
});
