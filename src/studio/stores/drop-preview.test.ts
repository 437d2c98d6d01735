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

const FILES = [{ path: 'cells/images/a.png', file: new File([], 'a.png') }];

beforeEach(() => {
  useDatasets.setState(useDatasets.getInitialState(), true);
  useDropPreview.setState(useDropPreview.getInitialState(), true);
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

test('a second drop replaces the one that was not imported', async () => {
  const { call } = linkFake();
  await previewFiles(FILES);
  await changeSettings(0, { background: '1' });
  await previewFiles(FILES);
  expect(call).toHaveBeenCalledWith('data.discard', { dropId: 'drop-1' }, undefined);
  expect(shown()).toMatchObject({ background: '0' });
  expect(useDropPreview.getState().settings).toEqual({});
});

test('a drop goes on waiting while another import runs', async () => {
  const { engine } = linkFake();
  await previewFiles(FILES);
  await changeSettings(0, { background: '1' });
  const waiting = useDropPreview.getState();
  const answer = engine.holdNext('data.addDemo');
  const demo = addDemo('domains');
  await importPreview();
  await previewFiles(FILES);
  expect(useDropPreview.getState()).toEqual(waiting);
  answer();
  await demo;
  await importPreview();
  expect(names()).toContain('cells');
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
