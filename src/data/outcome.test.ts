import { expect, it } from 'vitest';
import { notice, refusal, withoutRepeats } from './outcome.ts';

it('says of a file that lies above several datasets once what is the same for all', () => {
  const same = () =>
    notice('data/class-colours', 'colors.txt', 'It lacks 1 of 2 colours.', 'Put the table beside them.');
  const other = notice(
    'data/class-colours',
    'colors.txt',
    'It lacks 2 of 3 colours.',
    'Put the table beside them.',
  );
  const left = refusal('data/not-an-image', 'a.bin', 'This is no image.', 'Drop images.');
  expect(withoutRepeats([same(), left, same(), other])).toEqual([same(), left, other]);
});
