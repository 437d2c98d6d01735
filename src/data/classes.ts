import { IGNORED } from './objects.ts';
import { type MaskReading, settingText } from './reading/reading.ts';
import type { LabelMap, ObjectSet } from './types.ts';

/**
 * The class of every object, in the order of `objects.regions`, by its first pixel that the class map does not
 * ignore: all pixels of an object have its class, so one of them is enough. 0 when the class map has nothing there.
 */
export function objectClasses(objects: ObjectSet, classMap: LabelMap): number[] {
  const classes = new Map<number, number>();
  for (let at = 0; at < objects.map.length && classes.size < objects.regions.length; at++) {
    const id = objects.map[at] ?? 0;
    const value = classMap.data[at] ?? 0;
    if (id > 0 && value !== IGNORED && !classes.has(id)) classes.set(id, value);
  }
  return objects.regions.map(({ id }) => classes.get(id) ?? 0);
}

/** What a class is called. */
export interface ClassNaming {
  /** Classes of the dataset. */
  readonly count: number;
  /** Names that the dataset's files give, by label. */
  readonly names?: ReadonlyMap<number, string> | undefined;
  /** How the files were read that say classes. */
  readonly reading?: MaskReading | undefined;
}

/** The name of a class by its label; without a given name, what the files have there. */
export function className(label: number, { count, names, reading }: ClassNaming): string {
  const name = names?.get(label);
  if (name !== undefined) return name;
  if (count === 1) return 'foreground';
  const value = reading && reading.background !== 0 && label === reading.zeroLabel ? 0 : label;
  return reading?.samples === 'colour' ? settingText(value, 'colour') : `class ${value}`;
}
