import { expect, test } from 'vitest';
import { numbersFlag, readFlags } from './arguments.ts';
import { runCommand } from './commands.ts';
import { nearestWord } from './nearest.ts';

const OPTIONS = {
  click: { type: 'string', multiple: true },
  steps: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const read = (...args: string[]) => readFlags(args, OPTIONS, '  usage');

test('a flag that is not known names the one that was meant', () => {
  expect(() => read('--clik', '3,4')).toThrow(/--clik'\. Did you mean --click\?/);
  expect(() => read('--step', '2')).toThrow(/Did you mean --steps\?/);
  expect(() => read('--colour')).toThrow(/Unknown option '--colour'\.\s/);
});

test('a negative number is a flag’s value', () => {
  expect(read('--steps', '-5', '--click', '-3,4', '--click', '.5,1', '--json')).toEqual({
    steps: '-5',
    click: ['-3,4', '.5,1'],
    json: true,
  });
  expect(numbersFlag('-3,4', 'click', [2], '')).toEqual([-3, 4]);
  // A switch takes no value.
  expect(() => read('--json', '-5')).toThrow(/Unknown option '-5'/);
});

test('a command that is not known names the one that was meant', async () => {
  await expect(runCommand(['segmnet'])).rejects.toThrow(/Did you mean segment\?/);
  await expect(runCommand(['finetune'])).rejects.toThrow(/Did you mean train\?/);
  await expect(runCommand(['cook'])).rejects.toThrow(/no command "cook"\.\s/);
});

test.each([
  ['trian', 'train'],
  ['evalute', 'evaluate'],
  ['exp', 'export'],
  ['x', null],
])('%s is nearest to %s', (typed, meant) => {
  expect(nearestWord(typed, ['train', 'evaluate', 'export'])).toBe(meant);
});
