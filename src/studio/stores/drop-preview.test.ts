import { beforeEach, expect, test, vi } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import { addDemo, useDatasets } from './datasets.ts';
import {
  changeSettings,
  discardPreview,
  importPreview,
  previewFiles,
  useDropPreview,
} from './drop-preview.ts';
import { linkEngine } from './engine-link.ts';
import { useImportTurns } from './import-turns.ts';

const drop = (name: string) => [{ path: `${name}/images/a.png`, file: new File([], 'a.png') }];
const FILES = drop('cells');

beforeEach(async () => {
  linkFake();
  await discardPreview();
  useDatasets.setState(useDatasets.getInitialState(), true);
});

function linkFake() {
  const engine = fakeEngine({ empty: true });
  linkEngine(engine);
  return { engine, call: vi.spyOn(engine, 'call') };
}
const shown = () => useDropPreview.getState().preview?.datasets[0]?.reading;
const names = () => useDatasets.getState().datasets.map(({ name }) => name);

test('a drop is shown before it is stored, and imported with what was changed', async () => {
  const { call } = linkFake();
  await previewFiles(FILES);
  expect(shown()).toMatchObject({ background: '0', ignored: ['255'] });
  expect(names()).toEqual([]);
  await changeSettings(0, { background: '1', ignore: [] });
  expect(shown()).toMatchObject({ background: '1', ignored: [] });
  await importPreview();
  expect(call.mock.lastCall?.slice(0, 2)).toEqual([
    'data.import',
    { dropId: 'drop-1', settings: { 0: { background: '1', ignore: [] } } },
  ]);
  expect(names()).toEqual(['cells']);
  expect(useDatasets.getState().refusals).toHaveLength(11);
  expect(useDropPreview.getState().preview).toBeNull();
});

test('of two changes the later one is shown, whichever is answered first', async () => {
  const { engine } = linkFake();
  await previewFiles(FILES);
  const answer = engine.holdNext('data.previewWith');
  const slow = changeSettings(0, { background: '1' });
  await changeSettings(0, { background: '255' });
  answer();
  await slow;
  expect(shown()).toMatchObject({ background: '255' });
});

test('an answer about a drop that was discarded is not shown', async () => {
  const { engine, call } = linkFake();
  await previewFiles(FILES);
  const answer = engine.holdNext('data.previewWith');
  const slow = changeSettings(0, { background: '1' });
  await discardPreview();
  answer();
  await slow;
  expect(useDropPreview.getState()).toEqual({ preview: null, settings: {} });
  expect(call).toHaveBeenCalledWith('data.discard', { dropId: 'drop-1' }, undefined);
  await importPreview();
  expect(names()).toEqual([]);
});

/** Names of what waits. */
const waiting = () => useImportTurns.getState().waiting.map(({ name }) => name);

test('a drop waits until the one before it is imported or discarded, and no choice is lost', async () => {
  const { call } = linkFake();
  await previewFiles(FILES);
  await changeSettings(0, { background: '1' });
  const later = ['leaves', 'cracks', 'roots'].map((name) => previewFiles(drop(name)));
  await vi.waitFor(() => expect(waiting()).toEqual(['leaves', 'cracks', 'roots']));
  expect(shown()).toMatchObject({ background: '1' });
  useImportTurns.getState().waiting[1]?.cancel();
  await later[1];
  await importPreview();
  await later[0];
  expect(useDropPreview.getState()).toMatchObject({ settings: {} });
  expect(shown()).toMatchObject({ background: '0' });
  expect(waiting()).toEqual(['roots']);
  expect(useDatasets.getState().refusals, 'of the first, while the second is looked at').toHaveLength(11);
  await discardPreview();
  await later[2];
  await importPreview();
  expect(useDatasets.getState().refusals, 'of both that were imported').toHaveLength(22);
  const looked = call.mock.calls.flatMap(([, request]) => ('files' in request ? [request.files] : []));
  expect(looked).toEqual([FILES, drop('leaves'), drop('roots')]);
  await addDemo('domains');
  expect(useDatasets.getState().refusals, 'nothing waited for these').toEqual([]);
});

test('an import begins once the one before it is over, and can be taken back until then', async () => {
  const { engine, call } = linkFake();
  await previewFiles(FILES);
  const answer = engine.holdNext('data.addDemo');
  const demo = addDemo('domains');
  const importing = importPreview();
  await vi.waitFor(() => expect(waiting()).toEqual(['cells']));
  expect(useDatasets.getState().importing).toMatchObject({ name: 'The demo' });
  answer();
  await demo;
  await importing;
  expect(call.mock.calls.map(([name]) => name)).toContain('data.import');

  await previewFiles(FILES);
  const again = engine.holdNext('data.addDemo');
  const second = addDemo('domains');
  const takenBack = importPreview();
  await vi.waitFor(() => expect(waiting()).toEqual(['cells']));
  useImportTurns.getState().waiting[0]?.cancel();
  await takenBack;
  expect(call.mock.lastCall?.slice(0, 2)).toEqual(['data.discard', { dropId: 'drop-1' }]);
  again();
  await second;
  expect(useImportTurns.getState()).toEqual({ begun: 0, waiting: [] });
});

test('what fails or is cancelled lets the next begin', async () => {
  const { call } = linkFake();
  const failed = { ok: false, error: { code: 'x', what: 'No.', cure: 'Do.' } } as const;
  call.mockResolvedValueOnce(failed);
  await Promise.all([previewFiles(FILES), previewFiles(drop('leaves'))]);
  expect(useDropPreview.getState().preview).not.toBeNull();
  expect(useImportTurns.getState()).toMatchObject({ begun: 1, waiting: [] });
});

test('images without any mask are imported at once', async () => {
  const { engine, call } = linkFake();
  const masked = await engine.call('data.preview', { files: FILES, size: 8 });
  if (!masked.ok) throw new Error('the fake engine answers');
  const datasets = masked.value.datasets.map((one) => ({ ...one, maskedCount: 0, reading: null }));
  call.mockResolvedValueOnce({ ok: true, value: { ...masked.value, datasets } });
  await previewFiles(FILES);
  expect(useDropPreview.getState().preview).toBeNull();
  expect(names()).toEqual(['cells']);
});
