import { expect, it } from 'vitest';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import { readCheckpoint } from './checkpoint.ts';

const random = [1, 2, 3, 4];

/** A state as version 0.1 wrote it. */
const OLD_STATE = {
  step: 4,
  bestStep: 0,
  bestScore: 0.5,
  startTally: [{ key: 'cells', pictures: [{ name: 'a.png', sum: 1.5, n: 2 }] }],
  evaluationsSinceBest: 1,
  evaluatedStep: 4,
  sampler: { random, turn: [0], epochs: [[0, 1]] },
  random: { augment: random, prompts: random, corrections: random },
  promptCount: 8,
  objectsPerPass: 2,
};

const images = OLD_STATE.startTally[0]?.pictures;

it.each([
  ['startTally and pictures', OLD_STATE.startTally],
  ['startTally and images', [{ key: 'cells', images }]],
])('reads the first scores of a checkpoint that calls them %s', async (_, startTally) => {
  const bytes = writeSafetensors(new Map(), {
    format: 'mopeft-checkpoint',
    state: JSON.stringify({ ...OLD_STATE, startTally }),
  });
  const { state } = await readCheckpoint(bytes, 'last.safetensors');
  expect(state.startSums).toEqual([{ key: 'cells', images }]);
  expect(Object.keys(state)).not.toContain('startTally');
});
