import type { ReactNode } from 'react';
import type { ModelChoices } from '../../../worker/protocol.ts';
import { useSession } from '../../stores/session.ts';

/** The choices that a cure names, as a button that makes them. */
export function ChoiceButton(props: {
  readonly choices: ModelChoices;
  readonly onChoose: (choices: ModelChoices) => void;
}): ReactNode {
  const { choices, onChoose } = props;
  const isLoading = useSession((state) => state.modelProgress !== null);
  return (
    <button type="button" disabled={isLoading} onClick={() => onChoose(choices)}>
      {labelOf(choices)}
    </button>
  );
}

function labelOf({ prefix, withoutTuned }: ModelChoices): string {
  if (prefix !== undefined) return `Load ${prefix === '' ? 'the one without a prefix' : `“${prefix}”`}`;
  return withoutTuned ? 'Load the rest, the base model' : 'Prepare images like that';
}
