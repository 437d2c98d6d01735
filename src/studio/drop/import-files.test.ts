import { beforeEach, expect, test, vi } from 'vitest';
import type { DroppedFile } from '../../worker/protocol.ts';
import { linkEngine } from '../stores/engine-link.ts';
import { useRuns } from '../stores/runs.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { importFiles } from './import-files.ts';

const file = (path: string): DroppedFile => ({ path, file: new File(['{}'], path) });

/** What the engine was asked to do with files, by call. */
async function askedFor(files: readonly DroppedFile[]): Promise<Record<string, readonly string[]>> {
  const engine = fakeEngine({
    empty: true,
    handlers: { 'output.isAdapterZip': ({ file: { path } }) => ({ isAdapter: path.includes('adapter') }) },
  });
  linkEngine(engine);
  const call = vi.spyOn(engine, 'call');
  await importFiles(files);
  return Object.fromEntries(
    call.mock.calls.flatMap(([name, request]) =>
      'files' in request && /^(output\.importAdapter|data\.preview)$/.test(name)
        ? [[name, request.files.map(({ path }) => path)]]
        : [],
    ),
  );
}

beforeEach(() => {
  vi.stubGlobal('window', { location: { hash: '' } });
  useRuns.setState(useRuns.getInitialState(), true);
});

test('a zip of an adapter is imported as one, and others beside it as data', async () => {
  expect(await askedFor([file('my adapter.zip'), file('cells.zip'), file('a.png')])).toEqual({
    'output.importAdapter': ['my adapter.zip'],
    'data.preview': ['cells.zip', 'a.png'],
  });
  expect(useRuns.getState().runs).toHaveLength(1);
});
