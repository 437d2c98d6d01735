import { beforeEach, expect, test, vi } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import {
  addDemo,
  deleteDataset,
  loadDatasets,
  loadSamples,
  renameDataset,
  setSplitOrder,
  showDataset,
  useDatasets,
} from './datasets.ts';
import { linkEngine } from './engine-link.ts';
import { useSetup } from './setup.ts';

beforeEach(() => useDatasets.setState(useDatasets.getInitialState(), true));

function linkFake() {
  const engine = fakeEngine();
  linkEngine(engine);
  return engine;
}
const names = () => useDatasets.getState().datasets.map(({ name }) => name);

test('datasets that cannot be opened are listed, and removed when they are deleted', async () => {
  linkFake();
  await loadDatasets();
  const { datasets, broken } = useDatasets.getState();
  expect(datasets).toHaveLength(3);
  expect(broken.map(({ failure }) => failure.code)).toEqual(['data/half-saved']);
  await deleteDataset(broken[0]?.id ?? '');
  expect(useDatasets.getState()).toMatchObject({ datasets, broken: [] });
});

test('a slow list does not undo a new name or bring back what was deleted', async () => {
  const engine = linkFake();
  await loadDatasets();
  const [answer, answerBroken] = [engine.holdNext('data.list'), engine.holdNext('data.broken')];
  const slow = loadDatasets();
  await renameDataset('cells', 'Cells');
  await deleteDataset('cracks');
  await deleteDataset('roots-1f2e3d4c');
  answer();
  answerBroken();
  await slow;
  expect(names()).toEqual(['Cells', 'leaves']);
  expect(useDatasets.getState().broken).toEqual([]);
});

test('a slow list does not hide what was imported meanwhile', async () => {
  const engine = fakeEngine({ empty: true });
  linkEngine(engine);
  const answer = engine.holdNext('data.list');
  const slow = loadDatasets();
  await addDemo('domains');
  answer();
  await slow;
  expect(names()).toEqual(['cells', 'cracks', 'leaves']);
});

test('of two changes the later one stays, whichever is answered first', async () => {
  const engine = linkFake();
  await loadDatasets();
  const answer = engine.holdNext('data.setSplitOrder');
  const slow = setSplitOrder('cells', 'name');
  await setSplitOrder('cells', 'shuffled');
  answer();
  await slow;
  expect(useDatasets.getState().datasets[0]?.splitOrder).toBe('shuffled');
});

test('samples that were asked for before the split changed are asked for again', async () => {
  const engine = linkFake();
  await loadDatasets();
  const answer = engine.holdNext('data.samples');
  const slow = loadSamples('cells');
  await setSplitOrder('cells', 'name');
  const call = vi.spyOn(engine, 'call');
  answer();
  await slow;
  expect(call).toHaveBeenCalledExactlyOnceWith('data.samples', { datasetId: 'cells' }, undefined);
  expect(useDatasets.getState().samples.cells).toHaveLength(26);
});

test('samples of a dataset that another tab changed come anew, and no others', async () => {
  const engine = linkFake();
  await loadDatasets();
  const [cells, leaves] = useDatasets.getState().datasets.map(({ id }) => id);
  for (const id of [cells, leaves]) await loadSamples(id ?? '');
  await engine.call('data.rename', { datasetId: leaves ?? '', name: 'Leaves of another tab' });
  const call = vi.spyOn(engine, 'call');
  await loadDatasets();
  expect(names()).toContain('Leaves of another tab');
  const asked = call.mock.calls.filter(([name]) => name === 'data.samples').map(([, request]) => request);
  expect(asked).toEqual([{ datasetId: leaves }]);
});

test('samples of a dataset that was deleted meanwhile are dropped without a second request', async () => {
  const engine = linkFake();
  await loadDatasets();
  const answer = engine.holdNext('data.samples');
  const slow = loadSamples('cells');
  await deleteDataset('cells');
  const call = vi.spyOn(engine, 'call');
  answer();
  await slow;
  expect(call).not.toHaveBeenCalled();
  expect(useDatasets.getState().samples).toEqual({});
});

test('a dataset is ticked for training with its first image that is done, and not again later', async () => {
  linkFake();
  await loadDatasets();
  const [cells] = useDatasets.getState().datasets;
  if (!cells) throw new Error('the fake engine has datasets');
  const none = { ...cells, split: { train: 0, validation: 0, test: 0 } };
  useSetup.setState({ datasetIds: [] });
  showDataset(none);
  expect(useSetup.getState().datasetIds).toEqual([]);
  showDataset(cells);
  expect(useSetup.getState().datasetIds).toEqual(['cells']);
  useSetup.setState({ datasetIds: [] });
  showDataset({ ...cells, split: { ...cells.split, train: cells.split.train + 1 } });
  expect(useSetup.getState().datasetIds).toEqual([]);
});
