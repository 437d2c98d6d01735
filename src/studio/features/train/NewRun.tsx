import { type ReactNode, useEffect, useMemo } from 'react';
import type { Capabilities } from '../../../worker/protocol.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { useSession } from '../../stores/session.ts';
import {
  hasOneClass,
  presetSettings,
  settingsOf,
  updatePlan,
  updatePresetTimes,
  useSetup,
} from '../../stores/setup.ts';
import { AdvancedFields } from './AdvancedFields.tsx';
import { CostPanel } from './CostPanel.tsx';
import { DatasetPicker } from './DatasetPicker.tsx';
import { GoalPicker } from './GoalPicker.tsx';
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
  const { name, goal, datasetIds, methods, trainDecoder, gate, presetId, scale, changed } = useSetup();
  const datasets = useDatasets((state) => state.datasets);
  const modelHash = useSession((state) => state.model?.hash);
  const lost = useSession((state) => state.lost !== null);
  // A chosen dataset may have been deleted since.
  const chosen = useMemo(() => datasets.filter(({ id }) => datasetIds.includes(id)), [datasets, datasetIds]);
  const canAskForAll = hasOneClass(chosen);
  const asked = goal === 'class' && !canAskForAll ? 'either' : goal;
  const form = useMemo(
    () => ({
      name,
      goal: asked,
      datasetIds: chosen.map(({ id }) => id),
      methods,
      trainDecoder,
      gate,
      presetId,
      scale,
      changed,
    }),
    [name, asked, chosen, methods, trainDecoder, gate, presetId, scale, changed],
  );
  const settings = useMemo(() => settingsOf(form, capabilities), [form, capabilities]);
  // The name does not change the cost.
  const costKey = JSON.stringify({ ...settings, name: '', modelHash, lost });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the settings
  useEffect(() => {
    if (lost || modelHash === undefined) return;
    const timer = setTimeout(() => void updatePlan(settings, capabilities), SETTLE);
    return () => clearTimeout(timer);
  }, [costKey]);
  const presets = presetSettings(form, capabilities);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the settings
  useEffect(() => {
    if (lost || modelHash === undefined) return;
    const timer = setTimeout(() => void updatePresetTimes(presets), SETTLE);
    return () => clearTimeout(timer);
  }, [JSON.stringify({ presets, modelHash, lost })]);
  return (
    <div className={styles.form}>
      <div className={`panel ${styles.fields}`}>
        <GoalPicker goal={asked} canAskForAll={canAskForAll} />
        <DatasetPicker capabilities={capabilities} settings={settings} />
        <PresetPicker capabilities={capabilities} />
        <AdvancedFields capabilities={capabilities} settings={settings} />
      </div>
      <CostPanel settings={settings} capabilities={capabilities} />
    </div>
  );
}
