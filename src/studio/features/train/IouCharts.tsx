import { memo, type ReactNode, useMemo } from 'react';
import type { EvalPoint, RunInfo } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { iouSeries, measuredAt } from '../../charts/series.ts';

const LINES: readonly LineOf[] = [
  { key: 'box', label: 'by box', colour: 'var(--accent)' },
  { key: 'click', label: 'by click', colour: 'var(--accent)', dashed: true },
  { key: 'baseBox', label: 'base by box', colour: 'var(--muted)' },
  { key: 'baseClick', label: 'base by click', colour: 'var(--muted)', dashed: true },
];

/** Names the dataset where there are several, and the size at which masks were measured where that is not the image's. */
function title(
  dataset: { readonly name: string; readonly measuredAt: number | null },
  isNamed: boolean,
): string {
  const size = dataset.measuredAt?.toLocaleString('en');
  return ['Validation IoU', isNamed && dataset.name, size && `measured at ${size} pixels`]
    .filter(Boolean)
    .join(' · ');
}

/** A chart per dataset of its validation IoU, by box and by click. */
export const IouCharts = memo(function IouCharts(props: {
  readonly datasets: RunInfo['datasets'];
  readonly evals: readonly EvalPoint[];
}): ReactNode {
  const { datasets, evals } = props;
  const series = useMemo(
    () =>
      datasets.map((dataset) => ({
        ...dataset,
        data: iouSeries(evals, dataset.id),
        measuredAt: measuredAt(evals, dataset.id),
      })),
    [datasets, evals],
  );
  return (
    <>
      {series.map((dataset) => (
        <LineGraph
          key={dataset.id}
          title={title(dataset, series.length > 1)}
          data={dataset.data}
          lines={LINES}
        />
      ))}
    </>
  );
});
