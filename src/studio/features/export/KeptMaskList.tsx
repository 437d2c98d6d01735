import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import type { FailureRecord } from '../../../worker/protocol.ts';
import { when } from '../../format/format.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { saveFile } from '../../stores/files.ts';
import { deleteKeptMask, useKeptMasks } from '../../stores/kept-masks.ts';
import { notifyFailure, notifySuccess } from '../../stores/notices.ts';
import styles from './ExportPage.module.css';

async function downloadMasks(): Promise<void> {
  const result = await callEngine('output.masksZip', {});
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

/** Puts a mask on the clipboard as an image. */
async function copyMask(id: string): Promise<void> {
  const png = callEngine('output.keptMask', { id }).then((result) => {
    if (!result.ok) throw result.error;
    return new Blob([result.value.bytes], { type: 'image/png' });
  });
  try {
    // The promise goes in as it is: some browsers allow it only at once.
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
    notifySuccess('The mask is on the clipboard.');
  } catch {
    const result = await callEngine('output.keptMask', { id });
    notifyFailure(result.ok ? NO_CLIPBOARD : result.error);
  }
}

const NO_CLIPBOARD: FailureRecord = {
  code: 'out/clipboard',
  what: 'The browser did not let the mask onto the clipboard.',
  cure: 'Allow this page to use the clipboard, or download the masks.',
};

/** The masks kept on the Segment page, with a download of all as a zip. */
export function KeptMaskList(): ReactNode {
  const kept = useKeptMasks((state) => state.kept);
  return (
    <section className="panel stack" aria-label="Masks">
      <h2>Masks</h2>
      {kept.length === 0 ? (
        <p className="muted">
          Masks that you keep on the <a href="#/segment">Segment</a> page are listed here.
        </p>
      ) : (
        <>
          <div className="row">
            <button type="button" className="primary" onClick={() => void downloadMasks()}>
              Download {plural(kept.length, 'mask')} (zip)
            </button>
          </div>
          <ul className={styles.masks}>
            {kept.map((mask) => (
              <li key={mask.id} className={styles.mask}>
                <span>
                  {mask.imageName}{' '}
                  <span className="muted small">
                    {mask.variantLabel} · {plural(mask.area, 'pixel')} · {when(mask.created)}
                  </span>
                </span>
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Copy the mask of ${mask.imageName}`}
                  onClick={() => void copyMask(mask.id)}
                >
                  Copy
                </button>
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Remove the mask of ${mask.imageName}`}
                  onClick={() => void deleteKeptMask(mask.id)}
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
