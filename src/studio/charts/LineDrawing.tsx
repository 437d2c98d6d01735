import { memo, type ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, Tooltip, XAxis, YAxis } from 'recharts';
import { isDot } from './line-values.ts';
import { useQueuedRedraw } from './redraw-queue.ts';
import type { ElementSize } from './use-size.ts';

export interface LineOf {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly faint?: boolean;
}

/** The expensive part of a `LineGraph`, loaded with the first chart and redrawn only for new data, lines or size. */
export default memo(function LineDrawing(props: {
  readonly data: readonly { readonly step: number }[];
  readonly lines: readonly LineOf[];
  readonly size: ElementSize;
  readonly per: string;
}): ReactNode {
  const { data, size, per } = props;
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
          labelFormatter={(label) => `${per} ${String(label)}`}
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
          dot={isDot(data, line.key)}
          isAnimationActive={false}
          connectNulls
        />
      ))}
    </LineChart>
  );
});

function shortNumber(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
