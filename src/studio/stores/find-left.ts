/** Keeps what is left to review of the open image, so that it is there again when the image is: after a reload, or later. */
import type { RequestOf } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { decided, useFind } from './find-state.ts';
import { notifyFailure } from './notices.ts';
import { useSegment } from './segment.ts';

/** What is to be kept next, of each image the last. */
const waiting = new Map<string, RequestOf<'find.keep'>>();
let work: Promise<void> | null = null;

/** Keeps what is left to review, and what was accepted too, since that may be undone. */
export function keepLeft(): void {
  const { source } = useSegment.getState();
  if (source?.kind !== 'sample') return;
  const { datasetId, sampleId } = source;
  const { objects, searchId } = useFind.getState();
  waiting.set(JSON.stringify([datasetId, sampleId]), {
    ref: { datasetId, sampleId },
    searchId,
    objects: [...objects, ...decided.accepted.values()],
  });
  work ??= keepAll();
}

/** Settles once all is kept. */
export const leftKept = (): Promise<void> => work ?? Promise.resolve();

async function keepAll(): Promise<void> {
  for (const [key, request] of waiting) {
    waiting.delete(key);
    const result = await callEngine('find.keep', request);
    if (!result.ok) notifyFailure(result.error);
  }
  work = null;
}
