import { type ReactNode, useState } from 'react';
import { OBJECT_COLOURS, objectColourAt } from '../../../config/object-colours.ts';
import type { LabelClass } from '../../../worker/protocol.ts';
import { setClasses, useLabels } from '../../stores/labels.ts';
import { chooseClass } from '../../stores/objects.ts';
import styles from './ObjectPanel.module.css';

/** The dataset's classes: of the next object and of those that are chosen. Their names and colours can be changed. */
export function ClassList(): ReactNode {
  const classes = useLabels((state) => state.classes);
  const classValue = useLabels((state) => state.classValue);
  const [isEdited, setIsEdited] = useState(false);
  return (
    <div>
      <fieldset className={styles.classes}>
        <legend className="visually-hidden">Class</legend>
        {classes.map(({ value, name, colour }, index) => (
          <button
            key={value}
            type="button"
            className={`small ${styles.class}`}
            aria-pressed={value === classValue}
            title={index < 9 ? `Key ${index + 1}` : undefined}
            onClick={() => chooseClass(value)}
          >
            {classes.length > 1 && (
              <span className={styles.swatch} style={{ background: colour }} aria-hidden="true" />
            )}
            {name}
            {classes.length > 1 && index < 9 && (
              <span className={styles.key} aria-hidden="true">
                {index + 1}
              </span>
            )}
          </button>
        ))}
      </fieldset>
      <details className="small" onToggle={({ currentTarget }) => setIsEdited(currentTarget.open)}>
        <summary>Change the classes</summary>
        {/* Of hundreds of classes the fields would keep the page busy, though no one looks at them. */}
        {isEdited && classes.map((entry) => <EditClass key={entry.value} entry={entry} classes={classes} />)}
        <button type="button" onClick={() => void setClasses([...classes, freshClass(classes)])}>
          Add a class
        </button>
      </details>
    </div>
  );
}

function freshClass(classes: readonly LabelClass[]): LabelClass {
  const value = Math.max(0, ...classes.map((entry) => entry.value)) + 1;
  const unused = OBJECT_COLOURS.find((colour) => !classes.some((entry) => entry.colour === colour));
  return {
    value,
    name: `class ${value}`,
    colour: unused ?? objectColourAt(value),
  };
}

const COLOUR_NAMES = ['orange', 'sky blue', 'green', 'yellow', 'vermilion', 'purple', 'blue'];

function EditClass(props: {
  readonly entry: LabelClass;
  readonly classes: readonly LabelClass[];
}): ReactNode {
  const { entry, classes } = props;
  const [draft, setDraft] = useState(entry.name);
  const [drawn, setDrawn] = useState(entry.name);
  // A name that was refused is as it was; the field keeps the focus. Not by an effect, after which a blur may come first.
  if (drawn !== entry.name) {
    setDrawn(entry.name);
    setDraft(entry.name);
  }
  const change = (changed: LabelClass): void =>
    void setClasses(classes.map((other) => (other.value === entry.value ? changed : other)));
  const rename = (): void => {
    const name = draft.trim();
    if (name === '' || name === entry.name) setDraft(entry.name);
    else change({ ...entry, name });
  };
  const colours = (OBJECT_COLOURS as readonly string[]).includes(entry.colour)
    ? OBJECT_COLOURS
    : [...OBJECT_COLOURS, entry.colour];
  return (
    <div className={styles.edit}>
      <input
        aria-label={`Name of ${entry.name}`}
        value={draft}
        maxLength={60}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={rename}
        onKeyDown={(event) => {
          if (event.key === 'Enter') rename();
          if (event.key === 'Escape') setDraft(entry.name);
        }}
      />
      <select
        aria-label={`Colour of ${entry.name}`}
        value={entry.colour}
        onChange={(event) => change({ ...entry, colour: event.target.value })}
      >
        {colours.map((colour, index) => (
          <option key={colour} value={colour}>
            {COLOUR_NAMES[index] ?? colour}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-label={`Delete the class ${entry.name}`}
        disabled={classes.length < 2}
        onClick={() => void setClasses(classes.filter(({ value }) => value !== entry.value))}
      >
        Delete
      </button>
    </div>
  );
}
