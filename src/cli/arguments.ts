import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Failure } from '../config/failure.ts';
import { nearestWord } from './nearest.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Thrown when a person asks for help: what to print. */
export class HelpRequest {
  constructor(readonly text: string) {}
}

/** Whether the words ask for help. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

/**
 * Reads flags; unknown ones, positional words and missing values are refused.
 * @throws Failure `cli/arguments` with the usage as the cure; {@link HelpRequest} with it for `--help`.
 */
export function readFlags<const O extends Options>(args: readonly string[], options: O, usage: string) {
  const { values, positionals } = readArguments(args, options, usage);
  const [word] = positionals;
  if (word !== undefined) throw wrongArguments(`Unexpected argument "${word}"`, usage);
  return values;
}

/** As {@link readFlags}, with positional words. */
export function readArguments<const O extends Options>(args: readonly string[], options: O, usage: string) {
  if (asksForHelp(args)) throw new HelpRequest(usage);
  try {
    return parseArgs({ args: joinedNegatives(args, options), options, allowPositionals: true, strict: true });
  } catch (thrown) {
    const what = thrown instanceof Error ? (thrown.message.split('. ')[0] ?? '') : String(thrown);
    const [, unknown] = /^Unknown option '--([^'=]+)/.exec(what) ?? [];
    const meant = unknown === undefined ? null : nearestWord(unknown, Object.keys(options));
    throw wrongArguments(meant ? `${what}. Did you mean --${meant}?` : what, usage);
  }
}

/** `--steps -5` as `--steps=-5`, which is else taken for a flag that lacks its value. */
function joinedNegatives(args: readonly string[], options: Options): string[] {
  const joined: string[] = [];
  for (const word of args) {
    const flag = joined.at(-1) ?? '';
    const isValue = /^-[\d.]/.test(word) && options[flag.replace(/^--/, '')]?.type === 'string';
    if (isValue) joined[joined.length - 1] = `${flag}=${word}`;
    else joined.push(word);
  }
  return joined;
}

/** The failure of a command line that cannot be understood. */
export function wrongArguments(what: string, usage: string): Failure {
  return new Failure({
    code: 'cli/arguments',
    what: /[.?]$/.test(what) ? what : `${what}.`,
    cure: `Usage:\n${usage}`,
  });
}

/**
 * The value of a flag that must be given.
 * @throws Failure `cli/arguments`.
 */
export function requiredFlag<T>(value: T | undefined, flag: string, usage: string): T {
  if (value === undefined) throw wrongArguments(`--${flag} is missing`, usage);
  return value;
}

/** A flag's number, in [min, max]; undefined when the flag is not given. */
export function numberFlag(
  text: string | undefined,
  flag: string,
  usage: string,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, integer = false } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const isFine =
    text.trim() !== '' &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    (!integer || Number.isInteger(value));
  if (!isFine) {
    const range = Number.isFinite(max)
      ? ` from ${min} to ${max}`
      : Number.isFinite(min)
        ? ` of at least ${min}`
        : '';
    throw wrongArguments(
      `--${flag} is "${text}", which is not a ${integer ? 'whole ' : ''}number${range}`,
      usage,
    );
  }
  return value;
}

/** Numbers separated by commas. */
export function numbersFlag(text: string, flag: string, counts: readonly number[], usage: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!counts.includes(values.length) || values.some((value) => !Number.isFinite(value))) {
    throw wrongArguments(
      `--${flag} is "${text}", which is not ${counts.join(' or ')} numbers separated by commas`,
      usage,
    );
  }
  return values;
}
