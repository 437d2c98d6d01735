import type { ReactNode } from 'react';
import type { Capabilities } from '../../../worker/protocol.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { choosePreset, useSetup } from '../../stores/setup.ts';

/** Chooses a set of values for the fields. */
export function PresetPicker({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  const presetId = useSetup((state) => state.presetId);
  const chosen = capabilities.presets.find((preset) => preset.id === presetId) ?? capabilities.presets[0];
  if (!chosen) return null;
  return (
    <div className="stack">
      <SegmentedControl
        legend="Preset"
        options={capabilities.presets.map((preset) => ({ value: preset.id, label: preset.label }))}
        value={chosen.id}
        onChange={choosePreset}
      />
      <p className="muted small">{chosen.help}</p>
    </div>
  );
}
