import { beforeEach, expect, test } from 'vitest';
import type { LabelObject } from '../../data/labels/types.ts';
import {
  doStep,
  NO_PROMPTS,
  newPrompts,
  promptsBefore,
  redoStep,
  resetEdit,
  undoStep,
  useEdit,
} from './edit-history.ts';

const object = (id: string, start = 0): LabelObject => ({
  id,
  classValue: 1,
  runs: Uint32Array.of(start, 2),
  origin: { kind: 'drawn' },
  created: 0,
  locked: false,
  hidden: false,
});
const ids = () => useEdit.getState().objects.map(({ id }) => id);
const clickAt = (x: number) => newPrompts({ points: [{ x, y: 0, positive: true }], box: null, region: null });
const shownX = () => useEdit.getState().prompts.points[0]?.x;

beforeEach(() => resetEdit());

test('steps on objects are undone and done again in their order', () => {
  doStep({ title: 'Add', objects: ['a', 'b'].map((id) => object(id)) });
  doStep({ title: 'Delete', objects: useEdit.getState().objects.slice(1) });
  expect(ids()).toEqual(['b']);
  expect([undoStep(), undoStep()].map((step) => step?.title)).toEqual(['Delete', 'Add']);
  expect(ids()).toEqual([]);
  expect(redoStep()?.title).toBe('Add');
  expect(ids()).toEqual(['a', 'b']);
});

test('what changes nothing is no step', () => {
  expect(doStep({ title: 'Fill holes', objects: useEdit.getState().objects })).toBe(false);
  expect(undoStep()).toBeNull();
});

test('prompts and objects go back together, and nothing is left to undo at the start', () => {
  const first = clickAt(1);
  doStep({ title: 'Click', prompts: first });
  doStep({ title: 'Accept', prompts: NO_PROMPTS, objects: [object('a')] });
  expect([ids(), shownX()]).toEqual([['a'], undefined]);
  undoStep();
  expect([ids(), shownX()]).toEqual([[], 1]);
  undoStep();
  expect(undoStep()).toBeNull();
  redoStep();
  redoStep();
  expect(redoStep()).toBeNull();
  expect(ids()).toEqual(['a']);
  expect(promptsBefore(first)).toEqual(NO_PROMPTS);
  expect(promptsBefore(clickAt(9))).toBeUndefined();
});

test('a step after an undo ends what could be done again', () => {
  doStep({ title: 'Click', prompts: clickAt(1) });
  undoStep();
  doStep({ title: 'Click', prompts: clickAt(2) });
  expect(redoStep()).toBeNull();
  expect(shownX()).toBe(2);
});

test('what was kept with an image goes on where it was, with new ids for new prompts', () => {
  doStep({ title: 'Click', prompts: clickAt(1) });
  doStep({ title: 'Add', objects: [object('a')] });
  doStep({ title: 'Click', prompts: clickAt(2) });
  undoStep();
  const { objects, ignored, history } = useEdit.getState();
  resetEdit();
  expect([ids(), shownX()]).toEqual([[], undefined]);
  resetEdit(structuredClone({ objects, ignored, history }));
  expect([ids(), shownX()]).toEqual([['a'], 1]);
  expect(redoStep()?.title).toBe('Click');
  expect(clickAt(3).id).toBeGreaterThan(useEdit.getState().prompts.id);
  undoStep();
  undoStep();
  expect([ids(), shownX()]).toEqual([[], 1]);
});

test('where the oldest steps were let go, the first prompts left are known all the same', () => {
  for (let x = 0; x < 300; x++) doStep({ title: 'Click', prompts: clickAt(x) });
  const { history } = useEdit.getState();
  let undone = 0;
  while (undoStep()) undone++;
  expect(undone).toBe(history.entries.length);
  expect(shownX()).toBe(299 - undone);
  resetEdit({ history: { ...history, index: 0 } });
  expect(shownX()).toBe(299 - undone);
});
