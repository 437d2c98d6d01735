/** Opens images in the editor: of a dataset with its labels, or any file. */
import { create } from 'zustand';
import type { ImageSource } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { flushLabels, showLabels } from './labels.ts';
import { Latest } from './latest.ts';
import { notifyFailure } from './notices.ts';
import { showImage } from './segment.ts';
import { fitRadius } from './tools.ts';

export const useOpening = create<{ readonly opening: boolean }>()(() => ({ opening: false }));

const latest = new Latest();

/** Opens an image once the labels of the one before are saved; of several that were asked for, the last. */
export async function openImage(source: ImageSource): Promise<void> {
  const asked = latest.replace('image');
  useOpening.setState({ opening: true });
  const ref = source.kind === 'sample' ? { datasetId: source.datasetId, sampleId: source.sampleId } : null;
  if (!(await flushLabels())) {
    useOpening.setState({ opening: false });
    return;
  }
  const [image, labels] = await Promise.all([
    callEngine('segment.open', source),
    ref && callEngine('labels.open', ref),
  ]);
  if (!latest.accept('image', asked)) {
    if (image.ok) image.value.bitmap.close();
    return;
  }
  useOpening.setState({ opening: false });
  if (!image.ok) {
    notifyFailure(image.error);
    return;
  }
  if (labels?.ok === false) {
    notifyFailure(labels.error);
    image.value.bitmap.close();
    return;
  }
  showLabels(ref, labels?.value ?? null);
  fitRadius(image.value);
  await showImage(image.value, source);
}
