/**
 * The text of a file that a person brings: UTF-8, UTF-16 where a mark in front of it or its zeros say so, as PowerShell and
 * Excel write it, and else Windows-1252, as Excel saves a CSV.
 * @param bytes the file, or its beginning, which may end within a character.
 */
export function textOf(bytes: Uint8Array): string {
  const part = { stream: true };
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes, part);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes, part);
  // Tables and JSON begin with a character of ASCII, which leaves one byte of two zero.
  if (first !== 0 && second === 0) return new TextDecoder('utf-16le').decode(bytes, part);
  if (first === 0 && second !== 0 && second !== undefined)
    return new TextDecoder('utf-16be').decode(bytes, part);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, part);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
