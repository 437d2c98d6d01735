/** Settings of a dataset, its reading and its scale, that a person writes: in `dataset.json` beside the images, as flags, or in the studio. */

import * as v from 'valibot';
import { textOf } from '../../config/text-of.ts';
import type { Dataset } from '../dataset.ts';
import { withRunOrder } from '../dataset-runs.ts';
import { nameParts } from '../file-names.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { refusal } from '../outcome.ts';
import type { Outcome, Scale } from '../types.ts';
import { type ChannelChoice, parseValue, type ReadingChanges, type RunOrder } from './reading.ts';

/** The file's name, in any case. */
const SETTINGS_FILE = 'dataset.json';

const MOST_BYTES = 2 ** 20;

/** Smallest and largest side of crops that can be chosen, pixels. */
export const MIN_CROP = 16;
export const MAX_CROP = 65_536;

/** A value as a person writes it: a number, or a word that {@link parseValue} knows. */
export type SettingValue = number | string;

/** The settings by their names in the file. Values are as the masks have them; what is absent is inferred. */
export interface DatasetSettings {
  /** `none`: no value is background. */
  readonly background?: SettingValue;
  /** Values of pixels that take no part; an empty list where all do. */
  readonly ignore?: readonly SettingValue[];
  /** Values at or above are foreground. */
  readonly threshold?: number;
  /** True: each value is an object; false: objects are pixels of a value that touch. */
  readonly instances?: boolean;
  /** Channels of the images that are shown as red, green and blue, from 1. */
  readonly channels?: ChannelChoice;
  /** How the runs of a file are counted that does not say it. */
  readonly runs?: RunOrder;
  /** How a model sees the images. */
  readonly scale?: Scale;
  /** Names of classes by their value. */
  readonly classNames?: Readonly<Record<string, string>>;
  /** True: all images in the folder of the file and below are one dataset, whatever their folders. */
  readonly together?: boolean;
}

const finite = v.pipe(v.number(), v.finite());
const isValue = (text: string) => parseValue(text) !== undefined;
const value = v.union(
  [finite, v.pipe(v.string(), v.maxLength(40), v.check(isValue))],
  'a value must be a number, a colour as "#rrggbb", "transparent" or "nan"',
);

const channel = v.pipe(v.number(), v.integer(), v.minValue(1));

const Settings = v.strictObject({
  background: v.exactOptional(v.union([value, v.literal('none')])),
  ignore: v.exactOptional(v.pipe(v.array(value), v.maxLength(256))),
  threshold: v.exactOptional(finite),
  instances: v.exactOptional(v.boolean()),
  channels: v.exactOptional(v.tuple([channel, channel, channel])),
  runs: v.exactOptional(v.picklist(['rows', 'columns'], 'it must be "rows" or "columns"')),
  scale: v.exactOptional(
    v.union(
      [v.literal('whole'), v.pipe(v.number(), v.integer(), v.minValue(MIN_CROP), v.maxValue(MAX_CROP))],
      `it must be "whole" or the side of crops in whole pixels, ${MIN_CROP} to ${MAX_CROP}`,
    ),
  ),
  classNames: v.exactOptional(
    v.record(
      v.pipe(v.string(), v.check(isValue, 'classes are named by their value')),
      v.pipe(v.string(), v.maxLength(200)),
    ),
  ),
  together: v.exactOptional(v.boolean()),
});

/**
 * Reads a settings file.
 * @returns a refusal that names the setting where the file is not JSON or holds something else.
 */
export async function readSettings(file: LazyFile): Promise<Outcome<DatasetSettings>> {
  const refused = (reason: string): Outcome<never> => ({
    ok: false,
    refusal: refusal(
      'data/settings',
      file.path,
      reason,
      'It may hold {"background": 0, "ignore": [255], "threshold": 128, "instances": true, "channels": [2, 1, 1], "runs": "rows", "scale": 512, "classNames": {"1": "leaf"}, "together": true}, each of them if needed.',
    ),
  });
  const bytes = await readBytes(file, MOST_BYTES);
  if (!bytes.ok) return bytes;
  let json: unknown;
  try {
    json = JSON.parse(textOf(bytes.value));
  } catch {
    return refused('This file of settings is not valid JSON.');
  }
  const parsed = v.safeParse(Settings, json);
  if (parsed.success) return { ok: true, value: parsed.output };
  const [issue] = parsed.issues;
  return refused(`The setting ${v.getDotPath(issue) ?? 'at the top'} is wrong: ${issue.message}.`);
}

/** The parts of a reading that settings choose. */
export function changesOf({
  background,
  ignore,
  threshold,
  instances,
  channels,
  runs,
}: DatasetSettings): ReadingChanges {
  const parsed = (of: SettingValue) => (typeof of === 'number' ? of : (parseValue(of) ?? Number.NaN));
  return {
    ...(background !== undefined && { background: background === 'none' ? null : parsed(background) }),
    ...(ignore && { ignored: ignore.map(parsed) }),
    ...(threshold !== undefined && { threshold }),
    ...(instances !== undefined && { instances }),
    ...(channels && { channels }),
    ...(runs && { runs }),
  };
}

/** A dataset with what a person settled; it counts before what was settled earlier. */
export function withSettings(dataset: Dataset, settings: DatasetSettings): Dataset {
  const classNames = classNamesOf(settings) ?? dataset.classNames;
  return {
    ...withRunOrder(dataset, settings.runs),
    changes: { ...dataset.changes, ...changesOf(settings) },
    ...(settings.scale !== undefined && { scale: settings.scale }),
    ...(classNames ? { classNames } : {}),
    ...(settings.classNames && { classTables: [] }),
  };
}

/** Names of classes by the value that stands for them. */
function classNamesOf({ classNames }: DatasetSettings): ReadonlyMap<number, string> | undefined {
  if (!classNames) return undefined;
  return new Map(Object.entries(classNames).map(([text, name]) => [parseValue(text) ?? Number.NaN, name]));
}

/** Settings by the folder that they are for. */
export type FolderSettings = ReadonlyMap<string, DatasetSettings>;

/** The settings of a dataset: of the innermost folder with a file of settings in which all of its images lie. */
export function settingsFor(
  images: readonly string[],
  settings: FolderSettings,
): DatasetSettings | undefined {
  let best: string | undefined;
  for (const folder of settings.keys()) {
    const isAbove = folder === '' || images.every((path) => path.startsWith(`${folder}/`));
    if (isAbove && (best === undefined || folder.length > best.length)) best = folder;
  }
  return best === undefined ? undefined : settings.get(best);
}

/** Whether a file holds settings, by its name. */
export const isSettings = (path: string): boolean => nameParts(path).file.toLowerCase() === SETTINGS_FILE;

/** The folder that a file of settings is for. */
export const folderOf = (path: string): string => nameParts(path).folders.join('/');
