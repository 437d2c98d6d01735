import type { ReactNode } from 'react';
import { minutes } from '../../../config/words.ts';
import type { Capabilities } from '../../../worker/protocol.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { choosePreset, useSetup } from '../../stores/setup.ts';

/** Chooses a set of values for the fields. */
export function PresetPicker({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  const presetId = useSetup((state) => state.presetId);
  const seconds = useSetup((state) => state.presetSeconds);
  const chosen = capabilities.presets.find((preset) => preset.id === presetId) ?? capabilities.presets[0];
  if (!chosen) return null;
  return (
    <div className="stack">
      <SegmentedControl
        legend="How long may it learn?"
        options={capabilities.presets.map(({ id, label }) => {
          const time = seconds[id];
          return { value: id, label, note: time === undefined ? undefined : minutes(time) };
        })}
        value={chosen.id}
        onChange={choosePreset}
      />
      <p className="muted small">{chosen.help}</p>
    </div>
  );
}
