import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import type { BarOf, BarsProps } from './BarDrawing.tsx';
import styles from './LineGraph.module.css';
import { useQueuedRedraw } from './redraw-queue.ts';
import { keepUnfocusable } from './unfocusable.ts';
import { useSize } from './use-size.ts';

export type { BarOf };

const BarDrawing = lazy(() => import('./BarDrawing.tsx'));

/**
 * Times as stacked bars. Pass the same `data` and `bars` objects while nothing changes: new objects redraw the chart.
 */
export function BarGraph({
  title,
  summary,
  ...bars
}: BarsProps & {
  readonly title: string;
  /** What the chart shows, for screen readers. */
  readonly summary: string;
}): ReactNode {
  const drawn = useQueuedRedraw(bars.data);
  const { ref, size } = useSize<HTMLDivElement>();
  useEffect(() => (ref.current ? keepUnfocusable(ref.current) : undefined), [ref]);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <h3 className={styles.title}>{title}</h3>
        {bars.bars.length > 1 && (
          <ul className={styles.legend}>
            {bars.bars.map(({ key, label, colour }) => (
              <li key={key}>
                <svg className={styles.key} viewBox="0 0 20 8" aria-hidden="true">
                  <rect width="20" height="8" fill={colour} />
                </svg>
                {label}
              </li>
            ))}
          </ul>
        )}
      </figcaption>
      <div
        role="img"
        aria-label={`${title}: ${summary}`}
        ref={ref}
        className={bars.isList ? styles.listPlot : styles.plot}
      >
        {drawn && drawn.length > 0 && size && (
          <Suspense>
            <BarDrawing {...bars} data={drawn} size={size} />
          </Suspense>
        )}
      </div>
    </figure>
  );
}
