import { expect, test } from 'vitest';
import {
  ArgumentsFailure,
  choiceFlag,
  numberFlag,
  numbersFlag,
  readFlags,
  requiredFlag,
} from './arguments.ts';
import { runCommand } from './commands.ts';
import { nearestWord } from './nearest.ts';

const OPTIONS = {
  click: { type: 'string', multiple: true },
  steps: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const read = (...args: string[]) => readFlags(args, OPTIONS, '  usage');

/** What is said of words that cannot be understood. */
function saidOf(work: () => unknown): { readonly what: string; readonly cure: string } {
  try {
    work();
  } catch (thrown) {
    if (!(thrown instanceof ArgumentsFailure)) throw thrown;
    expect(thrown).toMatchObject({ usage: '  usage', record: { code: 'cli/arguments' } });
    const { what, cure } = thrown.record;
    return { what, cure };
  }
  throw new Error('it was understood');
}

test('a flag that is not known names the one that was meant', () => {
  expect(saidOf(() => read('--clik', '3,4'))).toEqual({
    what: 'There is no flag --clik.',
    cure: 'Did you mean --click?',
  });
  expect(saidOf(() => read('--step=2')).cure).toBe('Did you mean --steps?');
  expect(saidOf(() => read('--colour'))).toEqual({
    what: 'There is no flag --colour.',
    cure: 'Leave --colour out.',
  });
});

test.each<[string, () => unknown, string]>([
  ['a value is missing', () => read('--steps'), 'Write a value after --steps.'],
  ['a flag stands for a value', () => read('--steps', '--json'), 'Write a value after --steps.'],
  ['a flag is empty', () => requiredFlag('', 'data', '  usage'), 'Add --data.'],
  ['a flag of one value is given twice', () => read('--steps', '3', '--steps=3'), 'Write --steps once.'],
  ['a switch has a value', () => read('--json=3'), 'Write --json alone.'],
  [
    'a word belongs to nothing',
    () => read('here'),
    'Leave "here" out, or write the flag that it belongs to before it.',
  ],
  ['a flag is missing', () => requiredFlag(undefined, 'data', '  usage'), 'Add --data.'],
  [
    'a number is none',
    () => numberFlag('x', 'steps', '  usage', { min: 1, integer: true }),
    'Write --steps with a whole number of at least 1.',
  ],
  [
    'a word is none of the choices',
    () => choiceFlag('kep', 'aspect', ['keep', 'stretch'], '  usage'),
    'Did you mean --aspect keep?',
  ],
  [
    'nothing is meant',
    () => choiceFlag('x', 'aspect', ['keep', 'stretch'], '  usage'),
    'Write --aspect with one of these.',
  ],
])('the cure is one sentence that names the option where %s', (_, work, cure) => {
  expect(saidOf(work).cure).toBe(cure);
});

test('a negative number is a flag’s value', () => {
  expect(read('--steps', '-5', '--click', '-3,4', '--click', '.5,1', '--json')).toEqual({
    steps: '-5',
    click: ['-3,4', '.5,1'],
    json: true,
  });
  expect(numbersFlag('-3,4', 'click', [2], '')).toEqual([-3, 4]);
  // A switch takes no value.
  expect(() => read('--json', '-5')).toThrow(/no flag -5/);
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
