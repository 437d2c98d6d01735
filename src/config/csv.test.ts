import { expect, test } from 'vitest';
import { csv, refusalsCsv } from './csv.ts';

test('quotes, commas and line ends stay within their cell', () => {
  expect(
    csv(
      ['a', 'b'],
      [
        ['x,y', 'say "no"'],
        ['two\nlines', 1.5],
        [null, undefined],
      ],
    ),
  ).toBe('a,b\r\n"x,y","say ""no"""\r\n"two\nlines",1.5\r\n,\r\n');
});

test.each(['=1+1', '+1', '-1', '@sum', '\tx', '\r=1'])('%j is text for a spreadsheet', (name) => {
  expect(csv(['a'], [[name]])).toMatch(/^a\r\n"?'/);
});

test('a number keeps its sign', () => {
  expect(csv(['a'], [[-1]])).toBe('a\r\n-1\r\n');
});

test('refusals are named with their file and cure', () => {
  const refusal = { code: 'data/x', what: 'It is cut off.', where: '=cmd.png', cure: 'Save it again.' };
  expect(refusalsCsv([refusal, { code: 'c', what: 'w', cure: 'd' }])).toBe(
    "file,what,cure,code\r\n'=cmd.png,It is cut off.,Save it again.,data/x\r\n,w,d,c\r\n",
  );
});
