import { parseValue, type ReadingChanges } from '../data/reading/reading.ts';
import { choiceFlag, numberFlag, numbersFlag, wrongArguments } from './arguments.ts';

/** Flags by which a person changes how masks are read. */
export const READING_FLAGS = {
  background: { type: 'string' },
  ignore: { type: 'string' },
  threshold: { type: 'string' },
  instances: { type: 'boolean' },
  channels: { type: 'string' },
  runs: { type: 'string' },
} as const;

export const READING_USAGE = `  How masks are read, where it is not as inferred: [--background V] [--ignore V,V…] [--threshold V] [--instances]
  Which channels of the images are shown as red, green and blue: [--channels 2,1,1]
  How the runs of a CSV are counted that does not say it: [--runs rows|columns]
  V is a number as the file has it, a colour as #rrggbb, transparent, nan or none.`;

interface Flags {
  readonly background?: string | undefined;
  readonly ignore?: string | undefined;
  readonly threshold?: string | undefined;
  readonly instances?: boolean | undefined;
  readonly channels?: string | undefined;
  readonly runs?: string | undefined;
}

/** The changes that flags ask for. @throws Failure `cli/arguments`. */
export function readingChanges(flags: Flags, usage: string): ReadingChanges {
  const value = (text: string, flag: string): number => {
    const parsed = parseValue(text);
    if (parsed !== undefined) return parsed;
    throw wrongArguments(
      `--${flag} is "${text}", which is no number and no colour as #rrggbb`,
      `Write --${flag} with a value as the file has it, or none`,
      usage,
    );
  };
  const { background, ignore, instances } = flags;
  const runs = choiceFlag(flags.runs, 'runs', ['rows', 'columns'], usage);
  const threshold = numberFlag(flags.threshold, 'threshold', usage);
  const [red, green, blue] = flags.channels ? numbersFlag(flags.channels, 'channels', [3], usage) : [];
  return {
    ...(background !== undefined && {
      background: background === 'none' ? null : value(background, 'background'),
    }),
    ...(ignore !== undefined && {
      ignored: ignore === 'none' ? [] : ignore.split(',').map((text) => value(text, 'ignore')),
    }),
    ...(threshold !== undefined && { threshold }),
    ...(instances && { instances }),
    ...(runs && { runs }),
    ...(red !== undefined &&
      green !== undefined &&
      blue !== undefined && { channels: [red, green, blue] as const }),
  };
}
