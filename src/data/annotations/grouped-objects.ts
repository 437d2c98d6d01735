import { type PlacedObject, union } from './shape.ts';

/** An object, and the number by which several shapes of one class are one object. */
export interface GroupedObject extends PlacedObject {
  readonly group?: string | number | undefined;
}

/** Shapes of one group and class as one object, in the place of the first. */
export function groupedObjects(objects: readonly GroupedObject[]): PlacedObject[] {
  const groups = new Map<string, GroupedObject[]>();
  for (const [i, object] of objects.entries()) {
    const { group, className, isIgnored = false } = object;
    const key = group === undefined ? `alone ${i}` : `${group} ${isIgnored} ${className ?? ''}`;
    const members = groups.get(key);
    if (members) members.push(object);
    else groups.set(key, [object]);
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (!first) return [];
    const { group: _, ...object } = first;
    return [{ ...object, shape: union(members.map(({ shape }) => shape)) }];
  });
}
