import { type ReactNode, useEffect, useMemo } from 'react';
import type { Capabilities } from '../../../worker/protocol.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { useSession } from '../../stores/session.ts';
import { settingsOf, updatePlan, useSetup } from '../../stores/setup.ts';
import { AdvancedFields } from './AdvancedFields.tsx';
import { CostPanel } from './CostPanel.tsx';
import { DatasetPicker } from './DatasetPicker.tsx';
import { MethodPicker } from './MethodPicker.tsx';
import styles from './NewRun.module.css';
import { PresetPicker } from './PresetPicker.tsx';

/** The form for a new run, and beside it what the run would cost. */
export function NewRun(): ReactNode {
  const capabilities = useSession((state) => state.capabilities);
  if (!capabilities) return <p className="muted">The training options could not be loaded.</p>;
  return <Form capabilities={capabilities} />;
}

/** Milliseconds without a change before the cost is asked for. */
const SETTLE = 200;

function Form({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  const { name, datasetIds, methods, trainDecoder, gate, presetId, changed } = useSetup();
  const datasets = useDatasets((state) => state.datasets);
  const modelHash = useSession((state) => state.model?.hash);
  const lost = useSession((state) => state.lost !== null);
  const settings = useMemo(
    () =>
      settingsOf(
        {
          name,
          // A chosen dataset may have been deleted since.
          datasetIds: datasetIds.filter((id) => datasets.some((dataset) => dataset.id === id)),
          methods,
          trainDecoder,
          gate,
          presetId,
          changed,
        },
        capabilities,
      ),
    [name, datasetIds, datasets, methods, trainDecoder, gate, presetId, changed, capabilities],
  );
  // The name does not change the cost.
  const costKey = JSON.stringify({ ...settings, name: '', modelHash, lost });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the settings
  useEffect(() => {
    if (lost || modelHash === undefined) return;
    const timer = setTimeout(() => void updatePlan(settings, capabilities), SETTLE);
    return () => clearTimeout(timer);
  }, [costKey]);
  return (
    <div className={styles.form}>
      <div className={`panel ${styles.fields}`}>
        <DatasetPicker chosen={settings.datasetIds} />
        <MethodPicker capabilities={capabilities} settings={settings} />
        <PresetPicker capabilities={capabilities} />
        <AdvancedFields capabilities={capabilities} settings={settings} />
      </div>
      <CostPanel settings={settings} capabilities={capabilities} />
    </div>
  );
}
