/** The mask that a click under the pointer would give, once the model has seen the image. */
import { create } from 'zustand';
import type { Runs } from '../../data/labels/types.ts';
import { useEdit } from './edit-history.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { candidateRuns } from './objects.ts';
import { selectActiveRun, useRuns } from './runs.ts';
import { hasEmbedding, isEmpty, regionKey, selectVariant, useSegment, visiblePart } from './segment.ts';
import { useTools } from './tools.ts';

export const useHover = create<{ readonly runs: Runs | null }>()(() => ({ runs: null }));

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Masks are as large as the image: of larger ones none is made for a movement of the pointer. */
const MOST_PIXELS = 8 * 2 ** 20;
/** Of the time, the share that previews may take, so that a click never waits long for one. */
const BUSY_SHARE = 0.5;

const latest = new Latest();
const KEY = 'hover';

let at: Point | null = null;
let isAsking = false;
let pause: ReturnType<typeof setTimeout> | undefined;

/** Says where the pointer is, in pixels of the image; null where it is elsewhere. The newest place is answered next. */
export function hoverAt(point: Point | null): void {
  if (point?.x === at?.x && point?.y === at?.y) return;
  at = point;
  latest.replace(KEY);
  if (!canPreview()) {
    if (useHover.getState().runs) useHover.setState({ runs: null });
    return;
  }
  void preview();
}

function canPreview(): boolean {
  const { image, busy, failure } = useSegment.getState();
  const { tool, previews } = useTools.getState();
  const isSmall = image !== null && image.width * image.height <= MOST_PIXELS;
  // A run in progress has the device to itself.
  const isFree = !busy && !failure && selectActiveRun(useRuns.getState()) === null;
  const isClick = previews && tool === 'click' && isEmpty(useEdit.getState().prompts);
  return at !== null && isSmall && isFree && isClick && hasEmbedding();
}

async function preview(): Promise<void> {
  if (isAsking || pause !== undefined) return;
  const { image } = useSegment.getState();
  if (!image || !at || !canPreview()) return;
  isAsking = true;
  const asked = latest.ask();
  const start = performance.now();
  const region = visiblePart(useSegment.getState());
  const result = await callEngine('segment.predict', {
    imageId: image.imageId,
    variant: selectVariant(useSegment.getState()),
    points: [{ ...at, positive: true }],
    box: null,
    previous: null,
    isPreview: true,
    ...(region && { region }),
  });
  isAsking = false;
  const took = performance.now() - start;
  pause = setTimeout(
    () => {
      pause = undefined;
      if (!latest.isCurrent(KEY, asked)) void preview();
    },
    took / BUSY_SHARE - took,
  );
  const isSame =
    image === useSegment.getState().image &&
    regionKey(region) === regionKey(visiblePart(useSegment.getState()));
  const [best] = result.ok ? result.value.candidates : [];
  // A place behind the newest one still says more than none, as long as the pointer is on the image.
  if (!best || !isSame || !canPreview()) return;
  useHover.setState({ runs: candidateRuns(best) });
}

// A click or another tool ends the preview.
useEdit.subscribe(() => hidePreview());
useTools.subscribe(() => hidePreview());
useSegment.subscribe((now, before) => {
  if (now.image !== before.image || now.side !== before.side || now.runId !== before.runId) hidePreview();
});

function hidePreview(): void {
  if (useHover.getState().runs && !canPreview()) useHover.setState({ runs: null });
}
