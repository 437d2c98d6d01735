import { expect, test } from 'vitest';
import type { RunInfo } from '../../../worker/protocol.ts';
import { fakeEngine } from '../../testing/fake-engine.ts';
import { consequenceOfDeleting } from './consequence.ts';

const labelling = { unlabelled: 0, inWork: 0, done: 3, madeHere: 0 };
const dataset = { id: 'cells', imageCount: 3, bytes: 2000, labelling };

async function runs(...changes: readonly Partial<RunInfo>[]): Promise<RunInfo[]> {
  const listed = await fakeEngine().call('train.list', {});
  const [run] = listed.ok ? listed.value : [];
  if (!run) throw new Error('the fake engine has no run');
  return changes.map((change) => ({ ...run, step: 120, ...change }));
}

test('unfinished runs that use the dataset are named, others are not', async () => {
  const all = await runs(
    { name: 'Halted', status: 'paused' },
    { name: 'Lost', status: 'interrupted' },
    { name: 'Over', status: 'finished' },
    { name: 'Elsewhere', status: 'paused', datasets: [{ id: 'cracks', name: 'cracks' }] },
  );
  const text = consequenceOfDeleting(dataset, all);
  expect(text).toContain('Halted and Lost cannot be resumed without it');
  expect(text).not.toMatch(/Over|Elsewhere/);
});

test('without one nothing is said of going on', async () => {
  const text = consequenceOfDeleting(dataset, await runs({ status: 'finished', step: 200 }));
  expect(text).toMatch(/Runs that used it keep their weights\.$/);
});

test('labels that were made here are said to go, those that came with files are not', () => {
  expect(consequenceOfDeleting(dataset, [])).not.toContain('labels');
  const labelled = { ...dataset, labelling: { ...labelling, madeHere: 2 } };
  expect(consequenceOfDeleting(labelled, [])).toContain('made here, of 2 images, go too: export them first.');
});
