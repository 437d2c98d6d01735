import type { ReactNode } from 'react';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import {
  chooseCloseUp,
  choosePositive,
  chooseRefine,
  chooseTool,
  clearPrompts,
  keepMask,
  promptWholeImage,
  redo,
  saveMask,
  selectAnswer,
  undo,
  useSegment,
} from '../../stores/segment.ts';
import styles from './Toolbar.module.css';

/** Tools, the sign of clicks, undo and redo, and the buttons that save the mask. */
export function Toolbar(): ReactNode {
  const hasImage = useSegment((state) => state.image !== null);
  const tool = useSegment((state) => state.tool);
  const positive = useSegment((state) => state.positive);
  const refine = useSegment((state) => state.refine);
  const closeUp = useSegment((state) => state.closeUp);
  const canUndo = useSegment((state) => state.historyIndex > 0);
  const canRedo = useSegment((state) => state.historyIndex < state.promptHistory.length - 1);
  const hasMask = useSegment((state) => selectAnswer(state) !== null);
  return (
    <div className={styles.bar} role="toolbar" aria-label="Segment tools">
      <SegmentedControl
        legend="Tool"
        hideLegend
        options={[
          { value: 'click', label: 'Click' },
          { value: 'box', label: 'Box' },
          { value: 'pan', label: 'Move' },
        ]}
        value={tool}
        onChange={chooseTool}
      />
      <SegmentedControl
        legend="A click marks"
        hideLegend
        options={[
          { value: 'plus', label: '+ object' },
          { value: 'minus', label: '− background' },
        ]}
        value={positive ? 'plus' : 'minus'}
        onChange={(value) => choosePositive(value === 'plus')}
      />
      <button type="button" disabled={!hasImage} onClick={() => void promptWholeImage()}>
        Whole image
      </button>
      <span className={styles.group}>
        <button type="button" disabled={!canUndo} onClick={() => void undo()}>
          Undo
        </button>
        <button type="button" disabled={!canRedo} onClick={() => void redo()}>
          Redo
        </button>
        <button type="button" disabled={!canUndo} onClick={() => void clearPrompts()}>
          Clear
        </button>
      </span>
      <label
        className={styles.check}
        title="The next prompt refines the mask shown instead of starting from scratch"
      >
        <input type="checkbox" checked={refine} onChange={(event) => chooseRefine(event.target.checked)} />
        Refine last mask
      </label>
      <label
        className={styles.check}
        title="When zoomed in, the model looks at the visible part of the image, at its own scale. Otherwise it always looks at the whole image."
      >
        <input
          type="checkbox"
          checked={closeUp}
          onChange={(event) => void chooseCloseUp(event.target.checked)}
        />
        Look at the visible part
      </label>
      <span className={`${styles.group} ${styles.end}`}>
        <button type="button" disabled={!hasMask} onClick={() => void keepMask()}>
          Keep for Export
        </button>
        <button type="button" className="primary" disabled={!hasMask} onClick={() => void saveMask()}>
          Save mask
        </button>
      </span>
    </div>
  );
}
