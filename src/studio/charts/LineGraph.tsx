import { memo, type ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, Tooltip, XAxis, YAxis } from 'recharts';
import styles from './LineGraph.module.css';
import { useQueuedRedraw } from './redraw-queue.ts';
import { type ElementSize, useSize } from './use-size.ts';

export interface LineOf {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly faint?: boolean;
}

/**
 * Curves over steps, with a legend above and the last values for screen readers.
 * Pass the same `data` and `lines` objects while nothing changes: new objects redraw the chart.
 */
export function LineGraph(props: {
  readonly title: string;
  readonly data: readonly { readonly step: number }[];
  readonly lines: readonly LineOf[];
  /** Draws a lower chart, for groups of many. */
  readonly low?: boolean;
}): ReactNode {
  const drawn = useQueuedRedraw(props.data);
  const { ref, size } = useSize<HTMLDivElement>();
  const last = props.data.at(-1);
  const summary = last
    ? props.lines.map((line) => `${line.label} ${formatAt(last, line.key)}`).join(', ')
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
                {last && <span className="muted">{formatAt(last, line.key)}</span>}
              </li>
            ))}
        </ul>
      </figcaption>
      <div
        role="img"
        aria-label={`${props.title} at step ${last?.step ?? 0}: ${summary}`}
        ref={ref}
        className={props.low ? styles.lowPlot : styles.plot}
      >
        {drawn && drawn.length > 0 && size && <Drawing data={drawn} lines={props.lines} size={size} />}
      </div>
    </figure>
  );
}

/** The expensive part, redrawn only for new data, lines or size. */
const Drawing = memo(function Drawing(props: {
  readonly data: readonly { readonly step: number }[];
  readonly lines: readonly LineOf[];
  readonly size: ElementSize;
}): ReactNode {
  const { data, size } = props;
  // The axes first and the curves in the next turn, since a chart's first drawing takes longest.
  const lines = useQueuedRedraw(props.lines);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const tick = { fill: 'var(--muted)', fontSize: 0.78 * rem };
  return (
    <LineChart
      data={[...data]}
      width={size.width}
      height={size.height}
      margin={{ top: 6, right: 10, bottom: 0, left: 0 }}
      accessibilityLayer={false}
    >
      <CartesianGrid stroke="var(--line)" vertical={false} />
      <XAxis
        dataKey="step"
        type="number"
        domain={['dataMin', 'dataMax']}
        tick={tick}
        stroke="var(--line-strong)"
        tickLine={false}
        allowDecimals={false}
      />
      <YAxis
        domain={['auto', 'auto']}
        width={3.1 * rem}
        tickCount={size.height < 10 * rem ? 3 : 5}
        tick={tick}
        stroke="var(--line-strong)"
        tickLine={false}
        tickFormatter={shortNumber}
      />
      {lines && (
        <Tooltip
          isAnimationActive={false}
          labelFormatter={(label) => `Step ${String(label)}`}
          formatter={(value) => (typeof value === 'number' ? value.toFixed(3) : String(value))}
          contentStyle={{
            background: 'var(--surface)',
            border: '1px solid var(--line-strong)',
            borderRadius: 4,
            fontSize: '0.85rem',
          }}
        />
      )}
      {(lines ?? []).map((line) => (
        <Line
          key={line.key}
          dataKey={line.key}
          name={line.label}
          type="linear"
          stroke={line.colour}
          strokeWidth={line.faint ? 1 : 2}
          strokeOpacity={line.faint ? 0.4 : 1}
          strokeDasharray={line.dashed ? '5 3' : '0'}
          dot={data.length < 2}
          isAnimationActive={false}
          connectNulls
        />
      ))}
    </LineChart>
  );
});

function formatAt(point: object, key: string): string {
  const value: unknown = Reflect.get(point, key);
  return typeof value === 'number' ? value.toFixed(3) : '–';
}

function shortNumber(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
