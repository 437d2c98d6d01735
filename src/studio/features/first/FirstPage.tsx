import { type ReactNode, useEffect, useMemo } from 'react';
import type { PaintedMask } from '../../canvas/layers/masks.ts';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import {
  answerCells,
  answeredCells,
  type CellClick,
  clickCell,
  clickNextCell,
  meanIou,
  openCells,
  selectCloseUp,
  useFirst,
} from '../../stores/first.ts';
import { useFirstRun, useMadeRun } from '../../stores/first-run.ts';
import { openPage } from '../../stores/page.ts';
import { isActive, isUsable } from '../../stores/run-status.ts';
import type { Side } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { objectColour } from '../../theme/colours.ts';
import { CloseUp } from './CloseUp.tsx';
import styles from './FirstPage.module.css';
import { NoRequests } from './NoRequests.tsx';
import { OtherModel } from './OtherModel.tsx';
import { TrainPanel } from './TrainPanel.tsx';
import { Wipe } from './Wipe.tsx';

/** What the studio is for, on one drawn image: masks of a click on each cell, base and tuned, and a run of its own. */
export function FirstPage(): ReactNode {
  const phase = useSession((state) => state.phase);
  const canCompute = useSession(selectCanCompute);
  const isEmbedded = useSession((state) => state.model?.source === 'embedded');
  const isOther = useSession((state) => state.model !== null && state.model.source !== 'embedded');
  // The message that it is slow takes some of the height.
  const isSoftware = useSession((state) => state.gpu?.state === 'ready' && state.gpu.isSoftware);
  const image = useFirst((state) => state.image);
  const cells = useFirst((state) => state.cells);
  const failure = useFirst((state) => state.failure);
  const closeUp = useFirst(selectCloseUp);
  const base = useMasks(cells, 'base');
  const tuned = useMasks(cells, 'tuned');
  const isReady = canCompute && isEmbedded && image !== null;
  const answered = answeredCells(cells).length;

  useEffect(() => void openCells(), []);
  const run = useMadeRun();
  const capabilities = useSession((state) => state.capabilities);
  const isTraining = useFirstRun((state) => state.isStarting) || (run !== null && isActive(run.status));
  // Once the person's own run has learned something, its masks take the place of those of the adapter that came along.
  const learnedId = run && !isTraining && isUsable(run) && (run.bestStep ?? 0) > 0 ? run.id : null;
  const tunedTitle = learnedId === null ? 'Tuned' : 'Yours';
  useEffect(() => {
    // While it trains, the device is the run's.
    if (isReady && !isTraining)
      void answerCells(learnedId === null ? { kind: 'shipped' } : { kind: 'run', runId: learnedId });
  }, [isReady, isTraining, learnedId]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      // A dialog that it closes has taken it.
      if (event.key === 'Escape' && !event.defaultPrevented) openPage('data');
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  return (
    <section className={styles.first} aria-label="The first minute" data-below-message={isSoftware}>
      <div className={styles.stage}>
        {image && (
          <Wipe
            image={image.bitmap}
            left={{ masks: base, title: 'As it comes', figure: figureOf(cells, 'base') }}
            right={{ masks: tuned, title: tunedTitle, figure: figureOf(cells, 'tuned') }}
            label="Drawn cells with one mask for a click on each:"
            {...(isReady && { onClick: (at) => void clickCell(at) })}
          />
        )}
      </div>
      <div className={styles.side}>
        <div className="stack">
          <h2 className={styles.title}>The same click, before and after learning</h2>
          <p className="muted">
            You want whole cells. A click on one often gives its nucleus, or cells together. After a few
            examples the same click gives the cell. Both are computed here, on this device, now: drag the
            divider, or click a cell.
          </p>
        </div>
        {phase === 'starting' && <p className="muted">Starting the engine …</p>}
        {isReady && !isTraining && !failure && answered < cells.length && (
          <p className="muted">
            Clicking on each cell: {answered} of {cells.length} …
          </p>
        )}
        {isOther && <OtherModel />}
        {failure && <FailureMessage failure={failure} />}
        {image && closeUp && !isTraining && (
          <CloseUp
            image={image}
            click={closeUp}
            tunedTitle={tunedTitle}
            onNext={() => void clickNextCell()}
          />
        )}
        {isReady && capabilities && <TrainPanel capabilities={capabilities} />}
        <div className={styles.onwards}>
          {!run?.verdict && (
            <>
              <button type="button" onClick={() => openPage('data')}>
                Use your own images
              </button>
              <button type="button" className="quiet" onClick={() => openPage('data')}>
                Skip this (Esc)
              </button>
            </>
          )}
          <NoRequests />
        </div>
      </div>
    </section>
  );
}

/** The masks of one side, each cell in a colour of its own. */
function useMasks(cells: readonly CellClick[], side: Side): readonly PaintedMask[] {
  return useMemo(
    () =>
      cells.flatMap(({ object, masks }) => {
        const mask = masks[side];
        const id = `cell ${object}`;
        const colour = objectColour({ classValue: 0 }, object, []);
        return mask ? { ...mask, id, colour, strong: false } : [];
      }),
    [cells, side],
  );
}

/** "IoU .56", of all cells; null until both sides have answered them. */
function figureOf(cells: readonly CellClick[], side: Side): string | null {
  const mean = meanIou(cells, side);
  return mean === null ? null : `IoU ${mean.toFixed(2)}`;
}
