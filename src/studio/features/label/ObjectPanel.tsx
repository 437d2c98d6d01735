import { type ReactNode, useMemo } from 'react';
import { plural } from '../../../config/words.ts';
import { covered } from '../../../data/labels/objects.ts';
import type { LabelObject } from '../../../worker/protocol.ts';
import { Hint } from '../../components/Hint.tsx';
import { VirtualList } from '../../components/VirtualList.tsx';
import { useEdit } from '../../stores/edit-history.ts';
import { toggleObject, useLabels } from '../../stores/labels.ts';
import {
  deleteSelected,
  duplicateSelected,
  fillSelected,
  mergeSelected,
  raiseSelected,
  smoothSelected,
  splitSelected,
  toggleHidden,
  toggleLocked,
} from '../../stores/objects.ts';
import { objectColour } from '../../theme/colours.ts';
import { ClassList } from './ClassList.tsx';
import styles from './ObjectPanel.module.css';

/** The objects of the open image, what is done to those that are chosen, and the classes. */
export function ObjectPanel(): ReactNode {
  const isKept = useLabels((state) => state.ref !== null);
  const objects = useEdit((state) => state.objects);
  const chosen = useLabels((state) => state.selected.length);
  const under = useMemo(() => covered(objects), [objects]);
  if (!isKept) return null;
  return (
    <section className={`panel ${styles.panel}`} aria-label="Objects">
      <h2>
        Objects <span className="muted small">{objects.length}</span>
      </h2>
      <ClassList />
      {objects.length === 0 ? (
        <p className="muted small">None yet. Click on one and press Enter, or paint one with the brush.</p>
      ) : (
        <>
          <Actions chosen={chosen} />
          <VirtualList
            label="Objects"
            className={styles.list}
            items={objects}
            rowHeight={36}
            render={(object, index) => <Row object={object} index={index} isCovered={under.has(object.id)} />}
          />
        </>
      )}
    </section>
  );
}

interface RowProps {
  readonly object: LabelObject;
  readonly index: number;
  readonly isCovered: boolean;
}

function Row({ object, index, isCovered }: RowProps): ReactNode {
  const isChosen = useLabels((state) => state.selected.includes(object.id));
  const classes = useLabels((state) => state.classes);
  const name = `Object ${index + 1}`;
  const label = classes.find(({ value }) => value === object.classValue)?.name ?? '';
  const [red, green, blue] = objectColour(object, index, classes);
  return (
    <div className={`${styles.row} ${isChosen ? styles.chosen : ''}`}>
      <Hint text={isCovered ? `${originWords(object)}. ${COVERED}` : originWords(object)}>
        <button
          type="button"
          className={styles.name}
          aria-pressed={isChosen}
          onClick={(event) => toggleObject(object.id, event.shiftKey || event.ctrlKey || event.metaKey)}
        >
          <span
            className={styles.swatch}
            style={{ background: `rgb(${red} ${green} ${blue})` }}
            aria-hidden="true"
          />
          {object.name ?? name}{' '}
          <span className={`muted small ${styles.of}`} title={label}>
            {isCovered ? 'covered' : label}
          </span>
        </button>
      </Hint>
      <Hint text={object.hidden ? 'Hidden; click to show' : 'Does not draw it'}>
        <button
          type="button"
          className={styles.switch}
          aria-label={`Hide ${name}`}
          aria-pressed={object.hidden}
          onClick={() => toggleHidden(object.id)}
        >
          Hide
        </button>
      </Hint>
      <Hint text={object.locked ? 'Locked; click to unlock' : 'Nothing changes it or takes its pixels'}>
        <button
          type="button"
          className={styles.switch}
          aria-label={`Lock ${name}`}
          aria-pressed={object.locked}
          onClick={() => toggleLocked(object.id)}
        >
          Lock
        </button>
      </Hint>
    </div>
  );
}

const COVERED =
  'Objects further down this list have all of its pixels, so no run trains on it: bring it to the front, or delete one of them';

function originWords({ origin }: LabelObject): string {
  switch (origin.kind) {
    case 'imported':
      return 'Came with the dataset';
    case 'drawn':
      return 'Drawn by hand';
    case 'clicked':
      return `Answered by ${origin.model}`;
    case 'found':
      return `Found by ${origin.model}`;
    case 'corrected':
      return `Answered by ${origin.model}, corrected by hand`;
  }
}

function Actions({ chosen }: { readonly chosen: number }): ReactNode {
  const action = (label: string, onClick: () => void, least = 1): ReactNode => (
    <button type="button" className="small" disabled={chosen < least} onClick={onClick}>
      {label}
    </button>
  );
  return (
    <fieldset className={styles.actions}>
      <legend className="muted small">
        {chosen === 0 ? 'None is chosen. With Shift choose several.' : `${plural(chosen, 'object')} chosen`}
      </legend>
      {action('Merge', mergeSelected, 2)}
      {action('Split', splitSelected)}
      {action('Duplicate', duplicateSelected)}
      {action('To front', raiseSelected)}
      {action('Fill holes', fillSelected)}
      {action('Smooth', smoothSelected)}
      {action('Delete', deleteSelected)}
    </fieldset>
  );
}
