import type { ReactNode } from 'react';
import type { EvalPoint, RunInfo } from '../../../worker/protocol.ts';
import { LineGraph } from '../../charts/LineGraph.tsx';
import { iouSeries } from '../../charts/series.ts';

/** One small chart per dataset: IoU on its validation images, by box and by click. */
export function IouCharts(props: { readonly run: RunInfo; readonly evals: readonly EvalPoint[] }): ReactNode {
  const { datasets } = props.run;
  const many = datasets.length > 1;
  return (
    <>
      {datasets.map((dataset) => (
        <LineGraph
          key={dataset.id}
          title={`Validation IoU${many ? ` · ${dataset.name}` : ''}`}
          data={iouSeries(props.evals, dataset.id)}
          lines={[
            { key: 'box', label: 'by box', colour: 'var(--accent)' },
            { key: 'click', label: 'by click', colour: 'var(--accent)', dashed: true },
          ]}
        />
      ))}
    </>
  );
}
