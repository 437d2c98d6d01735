import { beforeEach, expect, test } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { MODEL } from '../testing/fake-model.ts';
import { linkEngine } from './engine-link.ts';
import {
  changeModel,
  markDeviceLost,
  openEmbeddedModel,
  openModelFiles,
  recoverDevice,
  useSession,
} from './session.ts';

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

const FILES = [{ path: 'sam.safetensors', file: new File([], 'sam.safetensors') }];

test('files that only the person can say how to open are asked about, and the answer opens them', async () => {
  const asked: unknown[] = [];
  const failures = [
    { code: 'checkpoint/several-models', what: 'Two.', cure: 'Choose.', options: ['a.', 'b.'] },
    { code: 'checkpoint/tuned', what: 'Tuned.', cure: 'Merge.' },
  ];
  const engine = fakeEngine({
    handlers: {
      'model.openFiles': ({ choices }) => {
        asked.push(choices);
        const failure = failures.shift();
        if (failure) throw new Failure(failure);
        return { ...MODEL, remarks: [{ code: 'x', what: 'Look.', cure: 'Do.' }] };
      },
    },
  });
  linkEngine(engine);
  await openModelFiles(FILES);
  const first = useSession.getState().modelQuestion;
  expect(first).toMatchObject({ files: FILES, failure: { options: ['a.', 'b.'] } });
  await openModelFiles(FILES, { ...first?.choices, prefix: 'b.' });
  const second = useSession.getState().modelQuestion;
  expect(second).toMatchObject({ failure: { code: 'checkpoint/tuned' }, choices: { prefix: 'b.' } });
  await openModelFiles(FILES, { ...second?.choices, withoutTuned: true });
  expect(asked).toEqual([{}, { prefix: 'b.' }, { prefix: 'b.', withoutTuned: true }]);
  expect(useSession.getState()).toMatchObject({ modelQuestion: null, modelShown: true });
});

test('a model is opened again with another preprocessing, and shown only where there is something to look at', async () => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    handlers: {
      'model.change': ({ choices }) => {
        asked.push(choices);
        return { ...MODEL, preprocessing: { ...MODEL.preprocessing, aspect: 'stretch' } };
      },
    },
  });
  linkEngine(engine);
  await changeModel({ aspect: 'stretch' });
  expect(asked).toEqual([{ aspect: 'stretch' }]);
  expect(useSession.getState()).toMatchObject({
    model: { preprocessing: { aspect: 'stretch' } },
    modelShown: false,
  });
});
