import type { ReactNode } from 'react';
import { plural, when } from '../../format/format.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { saveFile } from '../../stores/files.ts';
import { deleteKeptMask, useKeptMasks } from '../../stores/kept-masks.ts';
import { notifyFailure } from '../../stores/notices.ts';

import styles from './ExportPage.module.css';

async function downloadMasks(): Promise<void> {
  const result = await callEngine('output.masksZip', {});
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

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
