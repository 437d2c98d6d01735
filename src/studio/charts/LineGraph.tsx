import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import type { LineOf } from './LineDrawing.tsx';
import styles from './LineGraph.module.css';
import { lastValue } from './line-values.ts';
import { useQueuedRedraw } from './redraw-queue.ts';
import { keepUnfocusable } from './unfocusable.ts';
import { useSize } from './use-size.ts';

export type { LineOf };

const LineDrawing = lazy(() => import('./LineDrawing.tsx'));

/**
 * Curves over steps, with a legend above and the last values for screen readers.
 * Pass the same `data` and `lines` objects while nothing changes: new objects redraw the chart.
 */
export function LineGraph(props: {
  readonly title: string;
  readonly data: readonly { readonly step: number }[];
  readonly lines: readonly LineOf[];
  /** What the axis to the right counts; default `step`. */
  readonly per?: string;
  /** Draws a lower chart, for groups of many. */
  readonly low?: boolean;
}): ReactNode {
  const { per = 'step' } = props;
  const drawn = useQueuedRedraw(props.data);
  const { ref, size } = useSize<HTMLDivElement>();
  useEffect(() => (ref.current ? keepUnfocusable(ref.current) : undefined), [ref]);
  const last = props.data.at(-1);
  const summary = last
    ? props.lines.map((line) => `${line.label} ${lastOf(props.data, line.key)}`).join(', ')
    : 'no values yet';
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <h3 className={styles.title}>{props.title}</h3>
        <ul className={styles.legend}>
          {props.lines
            .filter((line) => !line.faint)
            .map((line) => (
              <li key={line.key}>
                <svg className={styles.key} viewBox="0 0 20 4" aria-hidden="true">
                  <line
                    x1="0"
                    y1="2"
                    x2="20"
                    y2="2"
                    stroke={line.colour}
                    strokeWidth="3"
                    strokeDasharray={line.dashed ? '5 3' : undefined}
                  />
                </svg>
                {line.label}
                {last && <span className="muted">{lastOf(props.data, line.key)}</span>}
              </li>
            ))}
        </ul>
      </figcaption>
      <div
        role="img"
        aria-label={`${props.title} at ${per} ${last?.step ?? 0}: ${summary}`}
        ref={ref}
        className={props.low ? styles.lowPlot : styles.plot}
      >
        {props.data.length === 0 && <p className="muted small">Nothing is measured yet.</p>}
        {drawn && drawn.length > 0 && size && (
          <Suspense>
            <LineDrawing data={drawn} lines={props.lines} size={size} per={per} />
          </Suspense>
        )}
      </div>
    </figure>
  );
}

function lastOf(data: readonly object[], key: string): string {
  return lastValue(data, key)?.toFixed(3) ?? '–';
}
