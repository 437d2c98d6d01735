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
import { useLabels } from '../../stores/labels.ts';

/** The keys of the review of found objects, whatever of it has the focus. */
export const REVIEW_KEYS: KeyGroup<null> = {
  title: 'Segment, in the review of found objects',
  bindings: [
    { on: ['n'], list: [['N, P', 'choose the next object, or the one before']], run: () => chooseFound(1) },
    { on: ['p'], list: [], run: () => chooseFound(-1) },
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
