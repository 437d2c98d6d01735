import { beforeEach, expect, test, vi } from 'vitest';
import { fakeEngine, MODEL } from '../testing/fake-engine.ts';
import { linkEngine } from './engine-link.ts';
import { markDeviceLost, openEmbeddedModel, recoverDevice, refreshStorage, useSession } from './session.ts';

const LOST = { code: 'gpu/lost', what: 'The GPU was lost.', cure: 'Ask for it again.' };

beforeEach(() => useSession.setState(useSession.getInitialState(), true));

/** Links a fake engine that opens a model of any id. */
function linkFake() {
  const engine = fakeEngine({
    handlers: { 'model.openEmbedded': ({ id }) => ({ ...MODEL, name: id, hash: id }) },
  });
  linkEngine(engine);
  return engine;
}

test('of two models that were asked for the last one stays', async () => {
  const engine = linkFake();
  const answer = engine.holdNext('model.openEmbedded');
  const slow = openEmbeddedModel('slow');
  await openEmbeddedModel('quick');
  expect(useSession.getState().modelProgress).toBeNull();
  answer();
  await slow;
  expect(useSession.getState()).toMatchObject({ model: { name: 'quick' }, modelProgress: null });
});

test('a device that is lost again while the first answer is on its way stays lost', async () => {
  const engine = linkFake();
  markDeviceLost(LOST);
  const answer = engine.holdNext('gpu.recover');
  const slow = recoverDevice();
  markDeviceLost(LOST);
  answer();
  await slow;
  expect(useSession.getState().lost).toEqual(LOST);
});

test('of two storage figures the last one stays', async () => {
  const answers: ((usage: number) => void)[] = [];
  const estimate = () => new Promise((resolve) => answers.push((usage) => resolve({ usage, quota: 100 })));
  vi.stubGlobal('navigator', { storage: { estimate, persisted: async () => true } });
  const [slow, quick] = [refreshStorage(), refreshStorage()];
  answers[1]?.(20);
  await quick;
  answers[0]?.(10);
  await slow;
  expect(useSession.getState().storage?.usage).toBe(20);
  vi.unstubAllGlobals();
});
