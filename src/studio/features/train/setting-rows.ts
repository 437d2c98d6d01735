import type { Capabilities, FieldInfo, FieldValue, RunInfo } from '../../../worker/protocol.ts';
import { tellsDatasetsApart } from '../../stores/setup.ts';

/** A run's settings as labels and values, in the words of the form that started it; by id what the engine does not know. */
export function settingRows(
  run: RunInfo,
  capabilities: Capabilities | null,
): readonly (readonly [string, string])[] {
  const { settings } = run;
  const methods = capabilities?.methods ?? [];
  const labelOf = (entries: readonly { readonly id: string; readonly label: string }[], id: string): string =>
    entries.find((entry) => entry.id === id)?.label ?? id;
  const fields = new Map<string, { readonly label: string; readonly field: FieldInfo }>([
    ...[
      ...(capabilities?.trainFields ?? []),
      ...(capabilities?.gateForms.flatMap((form) => form.fields) ?? []),
    ].map((field) => [field.id, { label: field.label, field }] as const),
    ...methods.flatMap((method) =>
      method.fields.map((field) => [field.id, { label: `${method.label}: ${field.label}`, field }] as const),
    ),
  ]);
  const tellsApart = tellsDatasetsApart(settings, capabilities?.gateForms ?? []);
  return [
    ['Methods', settings.methods.map((id) => labelOf(methods, id)).join(', ') || 'none'],
    ['Gates', labelOf(capabilities?.gateForms ?? [], settings.gate)],
    ...(tellsApart ? [['Asked for as', run.datasets.map(({ name }) => name).join(', ')] as const] : []),
    ['Mask decoder', settings.trainDecoder ? 'trained' : 'frozen'],
    ['Base model', `${run.modelName} (${run.modelHash.slice(0, 12)})`],
    ...Object.entries(settings.values).map(([id, value]) => {
      const known = fields.get(id);
      return [known?.label ?? id, known ? valueText(known.field, value) : String(value)] as const;
    }),
  ];
}

function valueText(field: FieldInfo, value: FieldValue): string {
  switch (field.kind) {
    case 'switch':
      return value === true ? 'on' : 'off';
    case 'choice':
      return field.options.find((option) => option.value === value)?.label ?? String(value);
    case 'integer':
    case 'number':
      return String(value);
  }
}
