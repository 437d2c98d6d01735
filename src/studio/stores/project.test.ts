import { beforeEach, expect, test, vi } from 'vitest';
import type { DroppedFile, ProjectPreview } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { useDatasets } from './datasets.ts';
import { linkEngine } from './engine-link.ts';
import { useImportTurns } from './import-turns.ts';
import { useNotices } from './notices.ts';
import { addProject, leaveProject, takeProject, useProject } from './project.ts';
import { useRuns } from './runs.ts';

const PREVIEW: ProjectPreview = {
  lookId: 'project-1',
  created: 0,
  items: [{ kind: 'run', name: 'First', bytes: 7, fate: 'new', addedAs: 'First' }],
  otherModels: [],
  refusals: [],
};
const file = (path: string): DroppedFile => ({ path, file: new File([], path) });
const waiting = () => useImportTurns.getState().waiting.map(({ name }) => name);
const isProject = (files: readonly DroppedFile[]) => files.some(({ path }) => path.includes('mopeft'));

/** An engine to which what is named after the program is a project. */
function linkFake() {
  const engine = fakeEngine({
    empty: true,
    handlers: {
      'project.look': ({ files }) => (isProject(files) ? PREVIEW : null),
      'project.add': () => ({ datasets: [], runs: [fakeRun('finished', 3)], refusals: [] }),
    },
  });
  linkEngine(engine);
  return vi.spyOn(engine, 'call');
}

beforeEach(() => {
  vi.stubGlobal('window', { location: { hash: '' } });
  useDatasets.setState(useDatasets.getInitialState(), true);
  leaveProject();
  useNotices.setState(useNotices.getInitialState(), true);
  useRuns.setState(useRuns.getInitialState(), true);
});

test('zips are looked at one by one, and what is no project is left to others', async () => {
  const call = linkFake();
  const [image, images, project] = [file('a.png'), file('images.zip'), file('set.mopeft.zip')];
  expect(await takeProject([image, images, project])).toEqual([image, images]);
  expect(call.mock.calls.map(([, request]) => request)).toEqual([{ files: [images] }, { files: [project] }]);
  expect(useProject.getState().preview).toEqual(PREVIEW);
  expect(window.location.hash).toBe('#/data');
  expect(await takeProject([image])).toEqual([image]);
});

test('an unpacked project is looked at as a whole, and several one after the other', async () => {
  const call = linkFake();
  const inside = [file('mine/mopeft-project.json'), file('mine/datasets/x/a.zip')];
  const others = [file('b.mopeft.zip'), file('c.png')];
  const taking = takeProject([...inside, ...others]);
  await vi.waitFor(() => expect(waiting()).toEqual(['b.mopeft.zip']));
  expect(call.mock.calls.map(([, request]) => request)).toEqual([{ files: inside }]);
  await addProject();
  expect(await taking).toEqual([others[1]]);
  expect(call.mock.calls.at(-1)?.[1]).toEqual({ files: [others[0]] });
  expect(useProject.getState().preview).toEqual(PREVIEW);
});

test('a drop that was taken back while it waited for a project is dropped as a whole', async () => {
  linkFake();
  await takeProject([file('a.mopeft.zip')]);
  const taking = takeProject([file('images.zip'), file('c.png')]);
  await vi.waitFor(() => expect(waiting()).toEqual(['images.zip']));
  useImportTurns.getState().waiting[0]?.cancel();
  expect(await taking).toEqual([]);
});

test('run folders of one drop are looked at together, and what lies beside them is left to others', async () => {
  const call = linkFake();
  const run = (folder: string) =>
    ['config.json', 'split.json', 'metrics.jsonl', 'checkpoint/last.safetensors'].map((name) =>
      file(`mopeft runs/${folder}/${name}`),
    );
  const runs = [...run('a'), ...run('b')];
  const model = ['sam/config.json', 'sam/model.safetensors', 'sam/metrics.jsonl'].map(file);
  expect(await takeProject([...runs, ...model])).toEqual(model);
  expect(call.mock.calls.map(([, request]) => request)).toEqual([{ files: runs }]);
});

test('what was added is listed', async () => {
  linkFake();
  await takeProject([file('set.mopeft.zip')]);
  await addProject();
  expect(useProject.getState().preview).toBeNull();
  expect(useRuns.getState().runs.map(({ name }) => name)).toEqual([fakeRun('finished', 3).name]);
  expect(useNotices.getState().notices).toMatchObject([{ text: '0 datasets and 1 run were added.' }]);
});
