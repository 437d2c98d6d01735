import { memo, type ReactNode, useMemo } from 'react';
import type { EvalPoint, RunInfo } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { iouSeries } from '../../charts/series.ts';

const LINES: readonly LineOf[] = [
  { key: 'box', label: 'by box', colour: 'var(--accent)' },
  { key: 'click', label: 'by click', colour: 'var(--accent)', dashed: true },
];

/** A chart per dataset of its validation IoU, by box and by click. */
export const IouCharts = memo(function IouCharts(props: {
  readonly datasets: RunInfo['datasets'];
  readonly evals: readonly EvalPoint[];
}): ReactNode {
  const { datasets, evals } = props;
  const series = useMemo(
    () => datasets.map((dataset) => ({ ...dataset, data: iouSeries(evals, dataset.id) })),
    [datasets, evals],
  );
  return (
    <>
      {series.map((dataset) => (
        <LineGraph
          key={dataset.id}
          title={`Validation IoU${series.length > 1 ? ` · ${dataset.name}` : ''}`}
          data={dataset.data}
          lines={LINES}
        />
      ))}
    </>
  );
});
