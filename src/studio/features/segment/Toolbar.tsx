import { type ReactNode, useId } from 'react';
import { CheckBox } from '../../components/CheckBox.tsx';
import { Hint } from '../../components/Hint.tsx';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { StretchContrast } from '../../components/StretchContrast.tsx';
import { useEdit } from '../../stores/edit-history.ts';
import { keepMask, saveMask } from '../../stores/kept-masks.ts';
import { useLabels } from '../../stores/labels.ts';
import { acceptCandidate } from '../../stores/objects.ts';
import { openOutline, useOutlines } from '../../stores/outlines.ts';
import { chooseCloseUp, clearPrompts, promptWholeImage, redo, undo } from '../../stores/prompts.ts';
import { chooseRefine, isEmpty, useSegment, useShownAnswer } from '../../stores/segment.ts';
import {
  BRUSH_RADIUS,
  choosePositive,
  choosePreviews,
  chooseRadius,
  chooseTool,
  useTools,
} from '../../stores/tools.ts';
import styles from './Toolbar.module.css';

/** Tools with their settings, undo and redo, and what is done with the mask that is shown. */
export function Toolbar(): ReactNode {
  const hasImage = useSegment((state) => state.image !== null);
  const tool = useTools((state) => state.tool);
  const history = useEdit((state) => state.history);
  const isKept = useLabels((state) => state.ref !== null);
  const hasMask = useShownAnswer() !== null;
  const undone = history.entries[history.index];
  const done = history.entries[history.index - 1];
  const isOutlining = useOutlines(() => openOutline().length > 0) && tool === 'polygon';
  return (
    <div className={styles.bar} role="toolbar" aria-label="Segment tools">
      <SegmentedControl
        legend="Tool"
        hideLegend
        options={[
          { value: 'click', label: 'Click' },
          { value: 'box', label: 'Box' },
          { value: 'brush', label: 'Brush' },
          { value: 'eraser', label: 'Eraser' },
          { value: 'polygon', label: 'Polygon' },
          { value: 'cut', label: 'Cut' },
          { value: 'select', label: 'Select' },
          { value: 'pan', label: 'Move' },
        ]}
        value={tool}
        onChange={chooseTool}
      />
      <span className={styles.group}>
        <Hint text={isOutlining ? 'Undo: last corner' : done && `Undo: ${done.title}`}>
          <button type="button" disabled={!done && !isOutlining} onClick={() => void undo()}>
            Undo
          </button>
        </Hint>
        <Hint text={undone && `Redo: ${undone.title}`}>
          <button type="button" disabled={!undone} onClick={() => void redo()}>
            Redo
          </button>
        </Hint>
      </span>
      <span className={`${styles.group} ${styles.end}`}>
        {isKept && (
          <button type="button" className="primary" disabled={!hasMask} onClick={acceptCandidate}>
            Add object
          </button>
        )}
        <button type="button" disabled={!hasMask} onClick={() => void keepMask()}>
          Keep for Export
        </button>
        <button
          type="button"
          className={isKept ? undefined : 'primary'}
          disabled={!hasMask}
          onClick={() => void saveMask()}
        >
          Save mask
        </button>
      </span>
      <div className={styles.settings}>
        {tool === 'brush' || tool === 'eraser' ? (
          <BrushSize />
        ) : tool === 'click' || tool === 'box' ? (
          <PromptSettings disabled={!hasImage} />
        ) : (
          <span className="muted small">{HELP[tool]}</span>
        )}
        <StretchContrast className={styles.end} />
      </div>
    </div>
  );
}

const HELP = {
  polygon: 'Click from corner to corner; drag corners, click on a line for another one. Enter closes.',
  cut: 'Draw a line through an object: its two sides become objects of their own.',
  select: 'Click on an object; with Shift add it to the chosen ones. Alt + click chooses with any tool.',
  pan: 'Drag the image. The middle button does so with any tool.',
} as const;

/** What a stroke is for, which depends on whether an object is chosen: the one that was made last is. */
const BRUSH_HELP = {
  brush: {
    chosen: 'Paints on the chosen object; Escape lets it go. The right button erases.',
    none: 'Paints a new object. The right button erases.',
  },
  eraser: {
    chosen: 'Erases from the chosen object; Escape lets it go.',
    none: 'Erases from the object below.',
  },
} as const;

function BrushSize(): ReactNode {
  const id = useId();
  const isEraser = useTools((state) => state.tool === 'eraser');
  const isChosen = useLabels((state) => state.selected.length > 0);
  const radius = useTools((state) => state.radius);
  return (
    <span className={styles.check}>
      <label htmlFor={id}>Size</label>
      {/* The square root gives small sizes as much of the way as large ones. */}
      <input
        id={id}
        type="range"
        min={Math.sqrt(BRUSH_RADIUS.least)}
        max={Math.sqrt(BRUSH_RADIUS.most)}
        step="any"
        value={Math.sqrt(radius)}
        aria-valuetext={`${radius * 2} pixels`}
        onChange={(event) => chooseRadius(Math.round(2 * event.target.valueAsNumber ** 2) / 2)}
      />
      <span className="muted small">{radius * 2} pixels of the image</span>
      <span className="muted small">
        {BRUSH_HELP[isEraser ? 'eraser' : 'brush'][isChosen ? 'chosen' : 'none']}
      </span>
    </span>
  );
}

function PromptSettings({ disabled }: { readonly disabled: boolean }): ReactNode {
  const hasPrompts = useEdit((state) => !isEmpty(state.prompts));
  const positive = useTools((state) => state.positive);
  const previews = useTools((state) => state.previews);
  const refine = useSegment((state) => state.refine);
  const closeUp = useSegment((state) => state.closeUp);
  return (
    <>
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
      <button type="button" disabled={disabled} onClick={() => void promptWholeImage()}>
        Whole image
      </button>
      <button type="button" disabled={!hasPrompts} onClick={clearPrompts}>
        Clear
      </button>
      <CheckBox
        label="Refine last mask"
        hint="The next prompt refines the mask shown instead of starting from scratch"
        checked={refine}
        onChange={chooseRefine}
      />
      <CheckBox
        label="Look at the visible part"
        hint="When zoomed in, the model looks at the visible part of the image, at its own scale. Otherwise it always looks at the whole image."
        checked={closeUp}
        onChange={(isCloseUp) => void chooseCloseUp(isCloseUp)}
      />
      <CheckBox
        label="Preview"
        hint="Shows the mask that a click under the pointer would give"
        checked={previews}
        onChange={choosePreviews}
      />
    </>
  );
}
