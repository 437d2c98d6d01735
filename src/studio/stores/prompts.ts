/** Clicks and boxes on the open image, as steps that can be undone; and undo and redo of any step. */
import type { LabelChange, LabelPrompts } from '../../data/labels/types.ts';
import type { ImageBox, ImagePoint } from '../../worker/protocol.ts';
import { regionFor } from '../canvas/region.ts';
import { doStep, NO_PROMPTS, newPrompts, redoStep, undoStep, useEdit } from './edit-history.ts';
import { announce } from './notices.ts';
import { keepOutline, openOutline } from './outlines.ts';
import { answerShown, isEmpty, predictShown, regionKey, useSegment, visiblePart } from './segment.ts';
import { useTools } from './tools.ts';

const shown = (): LabelPrompts => useEdit.getState().prompts;

export async function addPoint(point: ImagePoint): Promise<void> {
  const { points, box } = shown();
  await ask('Click', { points: [...points, point], box });
}

/** Replaces the box and keeps the clicks. */
export async function setBox(box: ImageBox): Promise<void> {
  await ask('Box', { points: shown().points, box });
}

/** Replaces all prompts by a box around the whole image. */
export async function promptWholeImage(): Promise<void> {
  const { image } = useSegment.getState();
  if (image)
    await ask('Whole image', { points: [], box: { x0: 0, y0: 0, x1: image.width, y1: image.height } });
}

/** Removes all prompts; undo brings them back. */
export function clearPrompts(): void {
  if (!isEmpty(shown())) doStep({ title: 'Clear', prompts: NO_PROMPTS });
}

/** Lets the model look at what is visible, or at the whole image; prompts are answered again, which can be undone. */
export async function chooseCloseUp(closeUp: boolean): Promise<void> {
  useSegment.setState({ closeUp });
  const state = useSegment.getState();
  const prompts = shown();
  if (state.image && !isEmpty(prompts)) {
    const region = regionFor(prompts, undefined, visiblePart(state), state.image);
    if (regionKey(region) !== regionKey(prompts.region)) {
      doStep({ title: 'View', prompts: newPrompts({ ...prompts, region }) });
    }
  }
  await answerShown();
}

/** Undoes the last step, or takes back the last corner of a polygon that is being drawn. */
export async function undo(): Promise<void> {
  const corners = openOutline();
  if (corners.length > 0 && useTools.getState().tool === 'polygon') keepOutline(corners.slice(0, -1));
  else await go(undoStep(), 'Undone');
}

export async function redo(): Promise<void> {
  await go(redoStep(), 'Done again');
}

async function go(step: LabelChange | null, what: string): Promise<void> {
  if (!step) return;
  useSegment.setState({ failure: null });
  announce(`${what}: ${step.title}.`);
  await predictShown();
}

async function ask(title: string, prompts: Pick<LabelPrompts, 'points' | 'box'>): Promise<void> {
  const state = useSegment.getState();
  if (!state.image) return;
  const before = isEmpty(shown()) ? undefined : shown().region;
  const region = regionFor(prompts, before, visiblePart(state), state.image);
  doStep({ title, prompts: newPrompts({ ...prompts, region }) });
  useSegment.setState({ failure: null });
  await predictShown();
}
