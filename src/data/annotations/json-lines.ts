/** A JSON in each line. */
export interface JsonLine {
  /** From 1. */
  readonly number: number;
  /** Undefined when it is none. */
  readonly json: unknown;
}

/** The lines that are not empty. */
export const jsonLines = (text: string): readonly JsonLine[] =>
  text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [{ number: i + 1, json: jsonOf(line) }]));

/** The first of the values of a file with a JSON in each line; undefined when it is none. */
export const firstOfLines = (text: string): unknown => jsonOf(/^\s*(\S.*)$/m.exec(text)?.[1] ?? '');

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
