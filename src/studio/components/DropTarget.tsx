import { type ReactNode, useEffect, useRef, useState } from 'react';
import { collectDroppedFiles } from '../drop/dropped-files.ts';
import { importFiles } from '../drop/import-files.ts';
import { notifyFailure } from '../stores/notices.ts';
import styles from './DropTarget.module.css';

/** Accepts drops anywhere on the page, and says what may be dropped while files are dragged over it. */
export function DropTarget(): ReactNode {
  const [over, setOver] = useState(false);
  const overlay = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const enter = (event: DragEvent): void => {
      if (carriesFiles(event)) setOver(true);
    };
    const hide = (): void => setOver(false);
    // The overlay covers the page, so to leave it is to leave the page.
    const leave = (event: DragEvent): void => {
      if (event.target === overlay.current) hide();
    };
    const move = (event: DragEvent): void => {
      if (carriesFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent): void => {
      hide();
      if (!event.dataTransfer || !carriesFiles(event)) return;
      event.preventDefault();
      collectDroppedFiles(event.dataTransfer)
        .then(importFiles)
        .catch((error: unknown) =>
          notifyFailure({
            code: 'bad-drop',
            what: `The dropped files could not be read (${error instanceof Error ? error.message : String(error)}).`,
            cure: 'Check that you can open the files, or choose them with the buttons on the Data page.',
          }),
        );
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', move);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', move);
      window.removeEventListener('drop', drop);
    };
  }, []);
  useEffect(() => {
    if (!over) return;
    // A drag may end without a word; a pointer that moves drags nothing any more.
    const hide = (): void => setOver(false);
    window.addEventListener('pointermove', hide);
    return () => window.removeEventListener('pointermove', hide);
  }, [over]);
  if (!over) return null;
  return (
    <div className={styles.overlay} ref={overlay}>
      <p className={styles.text}>
        Drop images with masks, a folder or zip of them, a SAM model, an adapter or a project
      </p>
    </div>
  );
}
