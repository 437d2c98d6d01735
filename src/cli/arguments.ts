import { type ParseArgsConfig, parseArgs } from 'node:util';
import { asksForHelp } from '../../scripts/toolchain/needs-adapter.mjs';
import { Failure } from '../config/failure.ts';
import { nearestWord } from './nearest.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Thrown when a person asks for help: what to print. */
export class HelpRequest {
  constructor(readonly text: string) {}
}

/** A command line that cannot be understood; a person is shown the usage beside it. */
export class ArgumentsFailure extends Failure {
  constructor(
    what: string,
    cure: string,
    readonly usage: string,
  ) {
    super({ code: 'cli/arguments', what, cure });
  }
}

/**
 * Reads flags; unknown ones, positional words and missing values are refused.
 * @throws Failure `cli/arguments`; {@link HelpRequest} with the usage for `--help`.
 */
export function readFlags<const O extends Options>(args: readonly string[], options: O, usage: string) {
  const { values, positionals } = readArguments(args, options, usage);
  const [word] = positionals;
  if (word !== undefined)
    throw wrongArguments(
      `Unexpected argument "${word}"`,
      `Leave "${word}" out, or write the flag that it belongs to before it`,
      usage,
    );
  return values;
}

/** As {@link readFlags}, with positional words. */
export function readArguments<const O extends Options>(args: readonly string[], options: O, usage: string) {
  if (asksForHelp(args)) throw new HelpRequest(usage);
  const joined = joinedNegatives(args, options);
  const parsed = parsedArguments(joined, options, usage);
  expectEachOnce(joined, options, usage);
  return parsed;
}

function parsedArguments<const O extends Options>(args: string[], options: O, usage: string) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw misread(thrown instanceof Error ? thrown.message : String(thrown), options, usage);
  }
}

/** Node takes the last of several values in silence. */
function expectEachOnce(args: string[], options: Options, usage: string): void {
  const { tokens } = parseArgs({ args, options, allowPositionals: true, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name } = token;
    const isOnce = options[name]?.type === 'string' && options[name].multiple !== true;
    if (isOnce && seen.has(name))
      throw wrongArguments(`--${name} is given twice`, `Write --${name} once`, usage);
    seen.add(name);
  }
}

/** What Node says of flags, which names the first that is wrong in quotes. */
function misread(message: string, options: Options, usage: string): ArgumentsFailure {
  const [, flag = '', name = ''] = /'((?:--?)([^'=\s]+))/.exec(message) ?? [];
  const option = options[name];
  if (option?.type === 'boolean')
    return wrongArguments(`${flag} is given a value`, `Write ${flag} alone`, usage);
  if (option) return wrongArguments(`${flag} has no value`, `Write a value after ${flag}`, usage);
  const meant = nearestWord(name, Object.keys(options));
  const cure = meant ? `Did you mean --${meant}?` : `Leave ${flag} out`;
  return wrongArguments(`There is no flag ${flag}`, cure, usage);
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

/**
 * The failure of a command line that cannot be understood.
 * @param what the option and what is wrong with it.
 * @param cure what to write instead, naming the option.
 */
export function wrongArguments(what: string, cure: string, usage: string): ArgumentsFailure {
  const asSentence = (text: string) => (/[.?]$/.test(text) ? text : `${text}.`);
  return new ArgumentsFailure(asSentence(what), asSentence(cure), usage);
}

/**
 * The value of a flag that must be given; an empty one, as of a variable of the shell that is not set, is none.
 * @throws Failure `cli/arguments`.
 */
export function requiredFlag<T>(value: T | undefined, flag: string, usage: string): T {
  if (value === undefined || value === '')
    throw wrongArguments(`--${flag} is missing`, `Add --${flag}`, usage);
  return value;
}

/**
 * The value of a flag that is one of some words; undefined when the flag is not given.
 * @throws Failure `cli/arguments`.
 */
export function choiceFlag<const T extends string>(
  text: string | undefined,
  flag: string,
  choices: readonly T[],
  usage: string,
): T | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  const meant = nearestWord(text, choices);
  throw wrongArguments(
    `--${flag} is "${text}", which is ${choices.length === 2 ? `neither ${choices.join(' nor ')}` : `none of ${choices.join(', ')}`}`,
    meant ? `Did you mean --${flag} ${meant}?` : `Write --${flag} with one of these`,
    usage,
  );
}

/** A flag's number, in [min, max]; undefined when the flag is not given. @throws Failure `cli/arguments`. */
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
    const kind = `${integer ? 'whole ' : ''}number${range}`;
    throw wrongArguments(
      `--${flag} is "${text}", which is not a ${kind}`,
      `Write --${flag} with a ${kind}`,
      usage,
    );
  }
  return value;
}

/** Numbers separated by commas. @throws Failure `cli/arguments`. */
export function numbersFlag(text: string, flag: string, counts: readonly number[], usage: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!counts.includes(values.length) || values.some((value) => !Number.isFinite(value))) {
    const kind = `${counts.join(' or ')} numbers separated by commas`;
    throw wrongArguments(
      `--${flag} is "${text}", which is not ${kind}`,
      `Write --${flag} with ${kind}`,
      usage,
    );
  }
  return values;
}
