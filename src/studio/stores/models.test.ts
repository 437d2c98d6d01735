import { beforeEach, expect, test, vi } from 'vitest';
import type { CallOptions } from '../../worker/client.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { linkEngine } from './engine-link.ts';
import { downloadAndOpen, freeModel, loadLibrary, useModels } from './models.ts';
import { useNotices } from './notices.ts';
import { useSession } from './session.ts';

const engine = () => {
  const fake = fakeEngine();
  const asked: string[] = [];
  let options: CallOptions | undefined;
  linkEngine({
    ...fake,
    call: (name, request, given) => {
      asked.push(name);
      if (name === 'model.download') options = given;
      return fake.call(name, request, given);
    },
  });
  return { ...fake, asked, report: () => options };
};
const stateOf = (id: string) =>
  useModels.getState().library?.catalogue.find((entry) => entry.id === id)?.state;

beforeEach(() => {
  useModels.setState({ library: null, download: null });
  useNotices.setState({ notices: [], announcement: '' });
  useSession.setState({ model: null });
});

test('one press downloads and opens a model, and shows rate and time left on the way', async () => {
  const { holdNext, report, asked } = engine();
  await loadLibrary();
  const release = holdNext('model.download');
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const downloading = downloadAndOpen('sam-vit-b', 'SAM ViT-B');
  report()?.onProgress?.({ done: 0, total: 1000, label: 'Downloading' });
  now.mockReturnValue(4000);
  report()?.onProgress?.({ done: 400, total: 1000, label: 'Downloading' });
  expect(useModels.getState().download).toMatchObject({ id: 'sam-vit-b', left: 6, rate: 100 });
  // Another one waits its turn.
  await downloadAndOpen('slimsam-77', 'SlimSAM 77');
  release();
  await downloading;
  now.mockRestore();
  expect(useModels.getState().download).toBeNull();
  expect(stateOf('sam-vit-b')).toBe('stored');
  expect(useSession.getState().model?.catalogueId).toBe('sam-vit-b');
  expect(asked.filter((name) => name === 'model.download')).toHaveLength(1);
  await freeModel('sam-vit-b', 'SAM ViT-B');
  expect(stateOf('sam-vit-b')).toBe('absent');
});

test('a download that is cancelled is announced, and opens nothing', async () => {
  const fake = fakeEngine();
  linkEngine({
    ...fake,
    call: (name, request, options) =>
      name === 'model.download'
        ? new Promise((resolve) =>
            options?.signal?.addEventListener('abort', () =>
              resolve({ ok: false, error: { code: 'cancelled', what: 'Cancelled.', cure: 'Ask again.' } }),
            ),
          )
        : fake.call(name, request, options),
  });
  const downloading = downloadAndOpen('sam-vit-b', 'SAM ViT-B');
  useModels.getState().download?.cancel();
  await downloading;
  expect(useSession.getState().model).toBeNull();
  expect(useNotices.getState()).toMatchObject({ notices: [], announcement: expect.stringContaining('kept') });
});
