import type { ReactNode } from 'react';
import type { Capabilities, FieldValues, PlanReport } from '../../../worker/protocol.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { minutes } from '../../format/format.ts';
import { choosePreset, useSetup } from '../../stores/setup.ts';

/** Chooses a set of values for the fields. */
export function PresetPicker({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  const presetId = useSetup((state) => state.presetId);
  const plan = useSetup((state) => state.plan);
  const timed = useSetup((state) => state.plannedValues);
  const chosen = capabilities.presets.find((preset) => preset.id === presetId) ?? capabilities.presets[0];
  if (!chosen) return null;
  return (
    <div className="stack">
      <SegmentedControl
        legend="How long may it learn?"
        options={capabilities.presets.map((preset) => ({
          value: preset.id,
          label: `${preset.label}${timeOf(preset, capabilities, timed, plan)}`,
        }))}
        value={chosen.id}
        onChange={choosePreset}
      />
      <p className="muted small">{chosen.help}</p>
    </div>
  );
}

/** " · 4 min": the time of a preset by that of the settings that were planned, of which it changes steps and images. */
function timeOf(
  { values }: Capabilities['presets'][number],
  { trainFields }: Capabilities,
  planned: FieldValues,
  plan: PlanReport | null,
): string {
  if (!plan) return '';
  const ratio = (id: string): number => {
    const usual = trainFields.find((field) => field.id === id)?.default;
    const value = values[id] ?? usual;
    const before = planned[id] ?? usual;
    return typeof value === 'number' && typeof before === 'number' && before > 0 ? value / before : 1;
  };
  const seconds = plan.secondsPerStep * plan.steps * ratio('train.steps') * ratio('train.imagesPerStep');
  return ` · ${minutes(seconds)}`;
}
