import { IGNORED } from './objects.ts';
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

/** What a class is called. @param count classes of its dataset. @param names of its dataset, by value. */
export function className(value: number, count: number, names?: ReadonlyMap<number, string>): string {
  const name = names?.get(value);
  if (name !== undefined) return name;
  return count === 1 ? 'foreground' : `class ${value}`;
}
