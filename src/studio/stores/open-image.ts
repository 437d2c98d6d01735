/** Opens images in the editor: of a dataset with its labels, or any file. */
import * as v from 'valibot';
import { create } from 'zustand';
import type { ImageRegion, ImageSource, OpenedLabels, Result, SampleRef } from '../../worker/protocol.ts';
import { useDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { keepInTab } from './kept.ts';
import { flushLabels, hasUnsavedLabels, isDeleted, showLabels, useLabels } from './labels.ts';
import { Latest } from './latest.ts';
import { notifyFailure, notifyWarning } from './notices.ts';
import { usePage } from './page.ts';
import { closeImage, showImage, useSegment } from './segment.ts';
import { fitRadius } from './tools.ts';

interface OpeningState {
  readonly opening: boolean;
  /** The image of a dataset that is open, or was before a reload. */
  readonly last: SampleRef | null;
}

export const useOpening = create<OpeningState>()(() => ({ opening: false, last: null }));
keepInTab(useOpening, 'image', {
  last: v.nullable(v.object({ datasetId: v.string(), sampleId: v.string() })),
});

const latest = new Latest();

/** Opens the image that was open before a reload, unless it went with its dataset. */
export async function reopenImage(): Promise<void> {
  const { opening, last } = useOpening.getState();
  const { image, visible } = useSegment.getState();
  if (opening || image || !last || isDeleted(last)) return;
  await openImage({ kind: 'sample', ...last }, visible);
}

/**
 * Opens an image once the labels of the one before are saved; of several that were asked for, the last.
 * @param visible what is shown of it; by default all.
 */
export async function openImage(source: ImageSource, visible: ImageRegion | null = null): Promise<void> {
  const asked = latest.replace('image');
  useOpening.setState({ opening: true });
  const ref = source.kind === 'sample' ? { datasetId: source.datasetId, sampleId: source.sampleId } : null;
  if (!(await flushLabels())) {
    useOpening.setState({ opening: false });
    return;
  }
  const image = await callEngine('segment.open', source);
  const labels = image.ok ? await openLabels(ref) : null;
  if (!latest.accept('image', asked)) {
    if (image.ok) image.value.bitmap.close();
    return;
  }
  useOpening.setState({ opening: false });
  if (!image.ok) {
    notifyFailure(image.error);
    return;
  }
  if (!labels?.ok) {
    // Labels that could not be saved were said to be so.
    if (labels) notifyFailure(labels.error);
    image.value.bitmap.close();
    return;
  }
  showLabels(ref, labels.value);
  fitRadius(image.value);
  useOpening.setState({ last: ref });
  await showImage(image.value, source, visible);
}

/** The labels to show next, once all that was drawn meanwhile on the image shown is saved; null where that failed. */
async function openLabels(ref: SampleRef | null): Promise<Result<OpenedLabels | null> | null> {
  for (;;) {
    if (!(await flushLabels())) return null;
    const labels = ref ? await callEngine('labels.open', ref) : { ok: true as const, value: null };
    if (!labels.ok || !hasUnsavedLabels()) return labels;
  }
}

// An image goes with its dataset, whoever deleted it.
useDatasets.subscribe(() => {
  const { ref } = useLabels.getState();
  if (!ref || !isDeleted(ref)) return;
  latest.replace('image');
  useOpening.setState({ opening: false, last: null });
  showLabels(null, null);
  closeImage();
  if (usePage.getState().page === 'segment') notifyWarning('The image was closed: its dataset was deleted.');
});
