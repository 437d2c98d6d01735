import { expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { applyChange, changeBetween, inverted, redone, undone, withChange } from './changes.ts';
import {
  covered,
  duplicated,
  merged,
  newObject,
  objectAt,
  raised,
  removed,
  split,
  withMask,
} from './objects.ts';
import { subtract, unite } from './runs.ts';
import { type LabelHistory, type LabelObject, NO_HISTORY, NO_RUNS, type Runs } from './types.ts';

const object = (id: string, ...runs: number[]): LabelObject =>
  newObject(Uint32Array.from(runs), 1, { kind: 'clicked', model: 'tiny' }, { id, created: 7 });
/** A stroke of the brush, and one of the eraser. */
const painted = (objects: readonly LabelObject[], id: string, runs: Runs) =>
  withMask(objects, id, (own) => unite(own, runs));
const erased = (objects: readonly LabelObject[], id: string, runs: Runs) =>
  withMask(objects, id, (own) => subtract(own, runs));
const ids = (objects: readonly LabelObject[]) => objects.map(({ id }) => id);
const labelsOf = (objects: readonly LabelObject[], ...ignored: number[]) => ({
  objects,
  ignored: Uint32Array.from(ignored),
});

it('any change of a list is undone and done again', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = Random.fromSeed(seed, 'changes');
    const before = Array.from({ length: random.integer(6) }, (_, i) => object(`o${i}`, 2 * i, 1));
    let after = before.filter(() => random.integer(4) > 0);
    after = after.map((each) => (random.integer(4) === 0 ? { ...each, hidden: true } : each));
    if (random.integer(2) === 0) after = random.shuffled(after);
    for (let n = random.integer(3); n > 0; n--)
      after.splice(random.integer(after.length + 1), 0, object(`new${n}`, 90, n));
    const [from, to] = [labelsOf(before, 50, 2), labelsOf(after, ...(random.integer(2) ? [50, 2] : [51, 1]))];
    const change = changeBetween('Any', from, to);
    if (!change) {
      expect(to).toEqual(from);
      continue;
    }
    expect(applyChange(from, change)).toEqual(to);
    expect(applyChange(to, inverted(change))).toEqual(from);
  }
});

it('a step names the objects that changed and no others', () => {
  const all = [object('a', 0, 1), object('b', 2, 1), object('c', 4, 1)];
  const next = painted(all, 'b', Uint32Array.of(9, 1));
  const change = changeBetween('Brush', labelsOf(all), labelsOf(next));
  expect(change?.objects).toEqual([
    { before: { index: 1, object: all[1] }, after: { index: 1, object: next[1] } },
  ]);
  expect(changeBetween('Brush', labelsOf(all), labelsOf([...all]))).toBeNull();
});

it('a new step forgets what was undone, and the oldest steps go when there are too many', () => {
  let labels = labelsOf([] as LabelObject[]);
  let history: LabelHistory = NO_HISTORY;
  const step = (id: string) => {
    const next = labelsOf([...labels.objects, object(id, labels.objects.length * 2, 1)]);
    const change = changeBetween('Add', labels, next);
    if (change) history = withChange(history, change);
    labels = next;
  };
  for (const id of ['a', 'b', 'c']) step(id);
  for (let n = 0; n < 2; n++) ({ labels, history } = undone(labels, history) ?? { labels, history });
  expect(ids(labels.objects)).toEqual(['a']);
  ({ labels, history } = redone(labels, history) ?? { labels, history });
  expect(ids(labels.objects)).toEqual(['a', 'b']);
  step('d');
  expect(redone(labels, history)).toBeNull();
  expect(ids(labels.objects)).toEqual(['a', 'b', 'd']);
  for (let n = 0; n < 250; n++) step(`x${n}`);
  expect(history.entries).toHaveLength(200);
  expect(history.index).toBe(200);
  expect(undone(labels, NO_HISTORY)).toBeNull();
});

it('steps of large masks are kept as far as memory allows, the last one always', () => {
  const large = () => ({ ...object('big'), runs: new Uint32Array(3 * 2 ** 20) });
  let history = NO_HISTORY;
  for (let n = 0; n < 3; n++) {
    const change = changeBetween('Brush', labelsOf([large()]), labelsOf([large()]));
    if (change) history = withChange(history, change);
  }
  expect(history.entries).toHaveLength(1);
});

it('what a hand changed says so, with the model that answered', () => {
  const imported = newObject(Uint32Array.of(0, 4), 1, { kind: 'imported' }, { id: 'i' });
  const [brushed, drawn] = painted(
    painted([object('a', 0, 2), imported], 'a', Uint32Array.of(5, 1)),
    'i',
    Uint32Array.of(8, 1),
  );
  expect(brushed?.origin).toEqual({ kind: 'corrected', model: 'tiny' });
  expect(drawn?.origin).toEqual({ kind: 'drawn' });
  const [untouched] = painted([object('a', 0, 2)], 'a', Uint32Array.of(1, 1));
  expect(untouched?.origin).toEqual({ kind: 'clicked', model: 'tiny' });
});

it('an object that is erased whole is gone', () => {
  expect(erased([object('a', 0, 2)], 'a', Uint32Array.of(0, 5))).toEqual([]);
});

it('names objects that others cover together, by one or by several', () => {
  const all = [
    object('twice', 10, 4),
    object('by two', 20, 6),
    object('in part', 30, 4),
    object('left', 20, 3),
    object('right', 22, 9),
    object('again', 10, 4),
  ];
  expect(covered(all)).toEqual(new Set(['twice', 'by two']));
  expect(covered([])).toEqual(new Set());
});

it('brings objects to the front in their order, and leaves locked ones their pixels', () => {
  const [a, b, c] = [object('a', 0, 4), object('b', 2, 4), object('c', 0, 8)];
  expect(covered([a, b, c])).toEqual(new Set(['a', 'b']));
  const front = raised([a, b, c], new Set(['b', 'a']));
  expect(ids(front)).toEqual(['c', 'a', 'b']);
  expect(front).toEqual([c, a, b]);
  const locked = { ...b, locked: true };
  expect(raised([a, locked, c], new Set(['a', 'b']))).toEqual([
    locked,
    c,
    { ...a, runs: Uint32Array.of(0, 2) },
  ]);
  const under = object('under', 3, 1);
  expect(raised([under, locked], new Set(['under']))).toEqual([under, locked]);
});

it('merged objects are one, at the place of the uppermost', () => {
  const all = [object('a', 0, 1), object('b', 3, 1), object('c', 5, 1), object('d', 9, 1)];
  const one = merged(all, new Set(['a', 'c']));
  expect(ids(one)).toEqual(['b', 'c', 'd']);
  expect(one[1]?.runs).toEqual(Uint32Array.of(0, 1, 5, 1));
  expect(merged(all, new Set(['a']))).toEqual(all);
});

it('a split object is its parts, the largest with its id', () => {
  const parts = split([object('a', 0, 1, 3, 2, 14, 1), object('b', 30, 1)], 'a', 6);
  expect(parts.map(({ runs }) => [...runs])).toEqual([
    [3, 2],
    [0, 1],
    [14, 1],
    [30, 1],
  ]);
  expect(parts[0]?.id).toBe('a');
  expect(new Set(ids(parts)).size).toBe(4);
});

it('locked objects stay as they are', () => {
  const locked = { ...object('a', 0, 1, 4, 1), locked: true };
  const all = [locked, object('b', 8, 1)];
  const both = new Set(['a', 'b']);
  expect(painted(all, 'a', Uint32Array.of(20, 1))).toEqual(all);
  expect(erased(all, 'a', Uint32Array.of(0, 9))).toEqual(all);
  expect(split(all, 'a', 3)).toEqual(all);
  expect(merged(all, both)).toEqual(all);
  expect(removed(all, both)).toEqual([locked]);
  expect(duplicated(all, new Set(['a'])).at(-1)).toMatchObject({ locked: false, runs: locked.runs });
});

it('the uppermost object that is shown is found at a pixel', () => {
  const all = [object('a', 0, 5), { ...object('b', 2, 2), hidden: true }, object('c', 3, 1)];
  expect(objectAt(all, 3)?.id).toBe('c');
  expect(objectAt(all, 2)?.id).toBe('a');
  expect(objectAt(all, 7)).toBeNull();
  expect(objectAt([object('n', ...NO_RUNS)], 0)).toBeNull();
});
