import { memo, type ReactNode } from 'react';
import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts';
import { duration } from '../../config/words.ts';
import type { ElementSize } from './use-size.ts';

export interface BarOf {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
}

export interface BarsProps {
  /** Rows with milliseconds under the bars' keys. */
  readonly data: readonly object[];
  /** The key that names a row. */
  readonly by: string;
  /** Bars of a row, one on the other. */
  readonly bars: readonly BarOf[];
  /** Rows from top to bottom with their names on the left, instead of from left to right. */
  readonly isList?: boolean;
}

/** The expensive part of a `BarGraph`, loaded with the first chart and redrawn only for new data, bars or size. */
export default memo(function BarDrawing(props: BarsProps & { readonly size: ElementSize }): ReactNode {
  const { data, by, bars, isList = false, size } = props;
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const tick = { fill: 'var(--muted)', fontSize: 0.78 * rem };
  const axis = { tick, stroke: 'var(--line-strong)', tickLine: false } as const;
  const names = { ...axis, dataKey: by, type: 'category' } as const;
  const times = { ...axis, type: 'number', tickFormatter: (ms: number) => duration(ms / 1000) } as const;
  return (
    <BarChart
      data={[...data]}
      layout={isList ? 'vertical' : 'horizontal'}
      width={size.width}
      height={size.height}
      margin={{ top: 6, right: 10, bottom: 0, left: 0 }}
      accessibilityLayer={false}
    >
      <CartesianGrid stroke="var(--line)" vertical={isList} horizontal={!isList} />
      <XAxis {...(isList ? times : names)} />
      <YAxis {...(isList ? { ...names, width: 10 * rem, interval: 0 } : { ...times, width: 5.5 * rem })} />
      <Tooltip
        isAnimationActive={false}
        cursor={{ fill: 'var(--raised)' }}
        labelFormatter={(label) => (isList ? String(label) : `Step ${String(label)}`)}
        formatter={(value) => (typeof value === 'number' ? duration(value / 1000) : String(value))}
        contentStyle={{
          background: 'var(--surface)',
          border: '1px solid var(--line-strong)',
          borderRadius: 4,
          fontSize: '0.85rem',
        }}
      />
      {bars.map(({ key, label, colour }) => (
        <Bar key={key} dataKey={key} name={label} stackId="all" fill={colour} isAnimationActive={false} />
      ))}
    </BarChart>
  );
});
