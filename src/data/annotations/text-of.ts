/** The text of a file: UTF-8, or UTF-16 where the bytes in front of it say so, as PowerShell writes it. */
export function textOf(bytes: Uint8Array): string {
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** The numbers that Python writes and JSON has not, where a value stands. */
const OF_PYTHON = /([:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g;

/** A JSON, in which NaN and Infinity, as Python's own writer leaves them, are null. @throws SyntaxError when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const cleaned = text.replace(OF_PYTHON, '$1null');
    if (cleaned === text) throw error;
    return JSON.parse(cleaned);
  }
}

/** A text as it is where it is part of no address. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
