import { type KeyGroup, keyName } from '../../commands/key-binding.ts';
import { classifyFound } from '../../stores/find.ts';
import {
  acceptAllFound,
  acceptFound,
  chooseFound,
  rejectAllFound,
  rejectFound,
  reviewNext,
} from '../../stores/find-review.ts';
import { useFind } from '../../stores/find-state.ts';
import { useLabels } from '../../stores/labels.ts';

/** The keys of the review of found objects. */
export const REVIEW_KEYS: KeyGroup<unknown> = {
  title: 'Segment, in the review of found objects',
  bindings: [
    {
      on: ['n'],
      list: [['N, P', 'choose the next object, or the one before']],
      repeats: true,
      run: () => chooseFound(1),
    },
    { on: ['p'], list: [], repeats: true, run: () => chooseFound(-1) },
    {
      on: ['a'],
      list: [['A, Shift + A', 'accept the object, or all']],
      run: (_, { shiftKey }) => (shiftKey ? acceptAllFound : acceptFound)(),
    },
    {
      on: ['r'],
      list: [['R, Shift + R', 'reject the object, or all']],
      run: (_, { shiftKey }) => (shiftKey ? rejectAllFound : rejectFound)(),
    },
    {
      on: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
      list: [['1 … 9', 'class of the object']],
      run: (_, event) => {
        const entry = useLabels.getState().classes[Number(keyName(event)) - 1];
        if (entry) classifyFound(entry.value);
      },
    },
    { on: ['g'], list: [['G', 'open the next image to review']], run: () => void reviewNext() },
  ],
};

const GO_ON: KeyGroup<unknown> = {
  title: '',
  bindings: REVIEW_KEYS.bindings.filter(({ on }) => on.includes('g')),
};

/**
 * The keys that the review has of the whole page but the image: while found objects wait for an answer. After the last of them
 * the next image is a key away.
 */
export function reviewKeysOfPage(): readonly KeyGroup<unknown>[] {
  const { objects, isSearched, passing } = useFind.getState();
  if (objects.length > 0) return [REVIEW_KEYS];
  return isSearched && passing > 0 ? [GO_ON] : [];
}
