import { beforeEach, expect, test, vi } from 'vitest';
import { loadDatasets, loadSamples, useDatasets } from '../stores/datasets.ts';
import { linkEngine } from '../stores/engine-link.ts';
import { usePage } from '../stores/page.ts';
import { loadRuns, useRuns } from '../stores/runs.ts';
import { useSegment } from '../stores/segment.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { type Command, commandGroups, imageCommands, matching } from './commands.ts';

const location = { hash: '' };
beforeEach(async () => {
  vi.stubGlobal('window', { location });
  usePage.setState({ page: 'data' });
  useSegment.setState(useSegment.getInitialState());
  useDatasets.setState(useDatasets.getInitialState());
  useRuns.setState(useRuns.getInitialState());
  linkEngine(fakeEngine());
  await Promise.all([loadDatasets(), loadRuns()]);
});

const offered = (): readonly Command[] => commandGroups(() => undefined).flatMap(({ commands }) => commands);
const labels = (): readonly string[] => offered().map(({ label }) => label);

test('pages, actions, datasets, runs and themes are offered, each with an id of its own', () => {
  expect(labels()).toEqual(
    expect.arrayContaining(['Train', 'New run', 'Compare runs', 'cells', 'MoPEFT 2', 'Theme: dark']),
  );
  const ids = offered().map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});

test('what keys do in Segment is offered while an image is open there', () => {
  expect(labels()).not.toContain('Segment the whole image');
  const bitmap = {} as ImageBitmap;
  useSegment.setState({ image: { imageId: 'image', name: 'a.png', width: 8, height: 8, bitmap } });
  usePage.setState({ page: 'segment' });
  expect(offered().find(({ label }) => label === 'Segment the whole image')?.note).toBe('W');
});

test('a run is shown on its page', () => {
  offered()
    .find(({ label }) => label === 'MoPEFT 2')
    ?.run();
  expect(location.hash).toBe('#/train');
  expect(useRuns.getState().runs.find(({ id }) => id === useRuns.getState().shownId)?.name).toBe('MoPEFT 2');
});

test('images are found by words of their names and of their datasets, in any order', async () => {
  expect(imageCommands()).toEqual([]);
  await loadSamples('cells');
  const all = imageCommands();
  expect(all.length).toBeGreaterThan(2);
  const [first] = all;
  expect(matching(all, `CELLS ${first?.label.slice(2)}`)).toContainEqual(first);
  expect(matching(all, 'cells no-such-image')).toEqual([]);
});

test('what begins with the query comes first', () => {
  const found = matching(
    [
      { id: 'a', label: 'Re-run', run: () => undefined },
      { id: 'b', label: 'Runs', run: () => undefined },
    ],
    'run',
  );
  expect(found.map(({ id }) => id)).toEqual(['b', 'a']);
});
