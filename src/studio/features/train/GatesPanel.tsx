import { memo, type ReactNode, useMemo, useState } from 'react';
import type { GatePoint, RunInfo, TrainSettings } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { gateRows, gateSeries } from '../../charts/series.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { useSession } from '../../stores/session.ts';
import { methodColour } from '../../theme/colours.ts';
import { GateHeatMap, type GateView, HeatLegend } from './GateHeatMap.tsx';
import styles from './GatesPanel.module.css';

interface GatesProps {
  readonly datasets: RunInfo['datasets'];
  readonly settings: TrainSettings;
  readonly gates: readonly GatePoint[];
}

/** A run's gates: a heat map and curves over the steps for each dataset. */
export const GatesPanel = memo(function GatesPanel(props: GatesProps): ReactNode {
  const { datasets, settings, gates } = props;
  const [view, setView] = useState<GateView>('change');
  const methods = settings.methods;
  const form = useSession((state) => state.capabilities?.gateForms.find(({ id }) => id === settings.gate));
  if (form?.varies === 'never' || methods.length === 0) {
    return (
      <section className="panel" aria-label="Gates">
        <h3>Gates</h3>
        <p className="muted">
          This run has no gates to watch:{' '}
          {methods.length === 0 ? 'only the mask decoder is trained' : 'its modules act in full'}.
        </p>
      </section>
    );
  }
  return (
    <section className="panel stack" aria-label="Gates">
      <div className={styles.head}>
        <h3>Gates by block and method</h3>
        <HeatLegend view={view} />
        <SegmentedControl
          legend="Show gates as"
          hideLegend
          options={[
            { value: 'change', label: 'Change since step 0' },
            { value: 'now', label: 'Value' },
          ]}
          value={view}
          onChange={setView}
        />
      </div>
      <p className="muted small">
        {gates.length === 0
          ? 'Gates appear after the first validation.'
          : 'A gate says how much of a method’s contribution is used, from 0 to 1. It does not say how much the method helps: the tab Worth does, when the run is over.'}
      </p>
      <div className={styles.maps}>
        {datasets.map((dataset) => {
          const map = gateRows(gates, dataset.id, methods);
          return (
            map && (
              <GateHeatMap
                key={dataset.id}
                title={dataset.name}
                step={map.step}
                rows={map.rows}
                view={view}
              />
            )
          );
        })}
      </div>
      {gates.length > 0 && <GateCurves {...props} />}
    </section>
  );
});

function GateCurves({ datasets, settings, gates }: GatesProps): ReactNode {
  const [block, setBlock] = useState<number | 'mean'>('mean');
  const known = useSession((state) => state.capabilities?.methods);
  const blockCount = gates[0]?.layers.length ?? 0;
  const { methods } = settings;
  const lines = useMemo(
    () =>
      methods.map((id): LineOf => {
        const method = known?.find((candidate) => candidate.id === id);
        return { key: id, label: method?.label ?? id, colour: methodColour(method?.colourSlot ?? 0) };
      }),
    [methods, known],
  );
  const series = useMemo(
    () => datasets.map((dataset) => ({ ...dataset, data: gateSeries(gates, dataset.id, block, methods) })),
    [datasets, gates, block, methods],
  );
  return (
    <div className="stack">
      <div className="row">
        <h4>Gates over the steps</h4>
        <select
          aria-label="Block of the gate curves"
          value={String(block)}
          onChange={(event) => setBlock(event.target.value === 'mean' ? 'mean' : Number(event.target.value))}
        >
          <option value="mean">mean of all blocks</option>
          {Array.from({ length: blockCount }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
            <option key={index} value={index}>
              block {index}
            </option>
          ))}
        </select>
      </div>
      <div className={styles.curves}>
        {series.map((dataset) => (
          <LineGraph key={dataset.id} title={dataset.name} low data={dataset.data} lines={lines} />
        ))}
      </div>
    </div>
  );
}
