import type { ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import styles from './LineGraph.module.css';

export interface LineOf {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly faint?: boolean;
}

/** Curves over steps: quiet grid, no animation, a legend in words above, a table of the last values for readers. */
export function LineGraph(props: {
  readonly title: string;
  readonly data: readonly { readonly step: number }[];
  readonly lines: readonly LineOf[];
  readonly domain?: readonly [number | 'auto', number | 'auto'];
  readonly format?: (value: number) => string;
  readonly height?: number;
}): ReactNode {
  const format = props.format ?? ((value: number) => value.toFixed(3));
  const last = props.data.at(-1);
  const spoken = last
    ? props.lines.map((line) => `${line.label} ${formatAt(last, line.key, format)}`).join(', ')
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
                {last && <span className="muted">{formatAt(last, line.key, format)}</span>}
              </li>
            ))}
        </ul>
      </figcaption>
      <div role="img" aria-label={`${props.title} at step ${last?.step ?? 0}: ${spoken}`}>
        <ResponsiveContainer width="100%" height={props.height ?? 150} debounce={100}>
          <LineChart
            data={[...props.data]}
            margin={{ top: 6, right: 10, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <CartesianGrid stroke="var(--line)" vertical={false} />
            <XAxis
              dataKey="step"
              type="number"
              domain={['dataMin', 'dataMax']}
              tick={{ fill: 'var(--muted)', fontSize: 11 }}
              stroke="var(--line-strong)"
              tickLine={false}
              allowDecimals={false}
            />
            <YAxis
              domain={[...(props.domain ?? ['auto', 'auto'])]}
              width={42}
              tick={{ fill: 'var(--muted)', fontSize: 11 }}
              stroke="var(--line-strong)"
              tickLine={false}
              tickFormatter={shortNumber}
            />
            <Tooltip
              isAnimationActive={false}
              labelFormatter={(label) => `Step ${String(label)}`}
              formatter={(value) => (typeof value === 'number' ? format(value) : String(value))}
              contentStyle={{
                background: 'var(--surface)',
                border: '1px solid var(--line-strong)',
                borderRadius: 4,
                fontSize: 12,
              }}
            />
            {props.lines.map((line) => (
              <Line
                key={line.key}
                dataKey={line.key}
                name={line.label}
                type="linear"
                stroke={line.colour}
                strokeWidth={line.faint ? 1 : 2}
                strokeOpacity={line.faint ? 0.4 : 1}
                strokeDasharray={line.dashed ? '5 3' : '0'}
                dot={props.data.length < 2}
                isAnimationActive={false}
                connectNulls
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}

function formatAt(point: object, key: string, format: (value: number) => string): string {
  const value: unknown = Reflect.get(point, key);
  return typeof value === 'number' ? format(value) : '–';
}

function shortNumber(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
