import { expect, test } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import { deleteDataset, loadDatasets, useDatasets } from './datasets.ts';
import { linkEngine } from './engine-link.ts';

test('what cannot be opened is listed beside the datasets, and leaves when it is deleted', async () => {
  linkEngine(fakeEngine());
  await loadDatasets();
  const { datasets, broken } = useDatasets.getState();
  expect(datasets).toHaveLength(3);
  expect(broken.map(({ failure }) => failure.code)).toEqual(['data/half-saved']);
  await deleteDataset(broken[0]?.id ?? '');
  expect(useDatasets.getState()).toMatchObject({ datasets, broken: [] });
});
