import { expect, it } from 'vitest';
import { cureText } from './cure.ts';

it('names the studio’s control, never a flag', () => {
  const cure = 'Say it.';
  expect(cureText({ cure, asks: 'decoderHeads' })).toBe('Say it (“Heads of the mask decoder”).');
  expect(cureText({ cure, asks: 'adapter' })).toMatch(/“Import an adapter …” on the Export page/);
  expect(cureText({ cure, asks: 'prefix' })).toBe(cure);
  expect(cureText({ cure })).toBe(cure);
});
