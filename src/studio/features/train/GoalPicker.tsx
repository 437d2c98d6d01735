import { type ReactNode, useId } from 'react';
import { chooseGoal, type Goal } from '../../stores/setup.ts';
import styles from './Choices.module.css';

const GOALS: readonly { readonly goal: Goal; readonly label: string; readonly help: string }[] = [
  {
    goal: 'either',
    label: 'My objects, from a click or a box',
    help: 'Good with both. Choose this when you are not sure.',
  },
  {
    goal: 'click',
    label: 'My objects, from a click',
    help: 'Every step practises clicks, so boxes may gain less.',
  },
  {
    goal: 'box',
    label: 'My objects, from a box',
    help: 'Every step practises boxes, so clicks may gain less.',
  },
  {
    goal: 'class',
    label: 'Everything at once',
    help: 'Also learns to find all that is masked, with Whole image in Segment. The test still measures clicks and boxes.',
  },
];

/** What a person wants to segment with; it decides from which first prompts a run learns. */
export function GoalPicker(props: { readonly goal: Goal; readonly canAskForAll: boolean }): ReactNode {
  const group = useId();
  return (
    <fieldset className="stack">
      <legend>What should it find?</legend>
      <div className={`${styles.grid} ${styles.pairs}`}>
        {GOALS.filter(({ goal }) => goal !== 'class' || props.canAskForAll).map(({ goal, label, help }) => (
          <label key={goal} className={styles.choice}>
            <input
              type="radio"
              name={group}
              checked={goal === props.goal}
              onChange={() => chooseGoal(goal)}
            />
            <span className={styles.text}>
              <span>{label}</span>
              <span className="muted small">{help}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
