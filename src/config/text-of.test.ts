import { describe, expect, it } from 'vitest';
import { textOf } from './text-of.ts';

const TEXT = 'name;Blätter\n1;größer\n';
const utf16 = (text: string, order: 'le' | 'be') => {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), order === 'le');
  return bytes;
};
const utf8 = (text: string) => new TextEncoder().encode(text);

describe('the text of a file', () => {
  it.each([
    ['in UTF-8', utf8(TEXT)],
    ['in UTF-8 with a mark', utf8(`\ufeff${TEXT}`)],
    ['in UTF-16 with a mark', utf16(`\ufeff${TEXT}`, 'le')],
    ['in UTF-16 of the other order with a mark', utf16(`\ufeff${TEXT}`, 'be')],
    ['in UTF-16 without a mark', utf16(TEXT, 'le')],
    ['in UTF-16 of the other order without a mark', utf16(TEXT, 'be')],
    ['in Windows-1252', Uint8Array.from(TEXT, (character) => character.charCodeAt(0))],
  ])('%s', (_, bytes) => expect(textOf(bytes)).toBe(TEXT));

  it('may end within a character, and be empty', () => {
    expect(textOf(utf8('Blä').subarray(0, 3))).toBe('Bl');
    expect(textOf(utf16('\ufeffBlä', 'le').subarray(0, 7))).toBe('Bl');
    expect(textOf(new Uint8Array())).toBe('');
  });
});
