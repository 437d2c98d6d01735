import { memo, type ReactNode, useMemo } from 'react';
import type { StepPoint } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { lossSeries } from '../../charts/series.ts';

const LINES: readonly LineOf[] = [
  { key: 'loss', label: 'each step', colour: 'var(--accent)', faint: true },
  { key: 'smooth', label: 'smoothed', colour: 'var(--accent)' },
];

export const LossChart = memo(function LossChart(props: { readonly steps: readonly StepPoint[] }): ReactNode {
  const data = useMemo(() => lossSeries(props.steps), [props.steps]);
  return <LineGraph title="Training loss" data={data} lines={LINES} />;
});
