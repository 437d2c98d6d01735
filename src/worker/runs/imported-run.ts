import { datasetsOf } from '../../engine/asked-dataset.ts';
import { GATE_PREFIX } from '../../engine/capabilities.ts';
import { scaleOfAdapter, understoodOf } from '../../engine/run/adapter-files.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import type { CurrentModel } from '../engine-state.ts';
import type { DroppedFile, FieldValue } from '../protocol.ts';

/** The record of an adapter that came in as files. */
export function importedRecord(
  id: string,
  now: number,
  { mopeft, training }: Adapter,
  model: CurrentModel,
  files: readonly DroppedFile[],
): RunRecord {
  const values: Record<string, FieldValue> = {};
  for (const [method, settings] of Object.entries(mopeft.methods)) {
    for (const [field, value] of Object.entries(settings)) values[`${method}.${field}`] = value;
  }
  for (const field of ['budget', 'budgetBy'] as const) {
    const value = mopeft[field];
    if (value !== undefined) values[`${GATE_PREFIX}.${field}`] = value;
  }
  const name = nameOf(training, files);
  const names = datasetsOf({ mopeft });
  const understood = [
    ...understoodOf({ training }),
    ...(names.length > 1
      ? [`It tells datasets apart, and is asked for one of them: ${names.join(', ')}. Segment asks which.`]
      : []),
  ];
  const step = typeof training.step === 'number' ? training.step : 0;
  return {
    id,
    name,
    status: 'imported',
    step,
    steps: step,
    settings: {
      name,
      datasetIds: [],
      methods: Object.keys(mopeft.methods),
      trainDecoder: mopeft.trainDecoder,
      gate: mopeft.gate,
      values,
    },
    datasets: [],
    scale: scaleOfAdapter({ training }),
    modelName: model.info.name,
    modelHash: model.info.hash,
    created: now,
    updated: now,
    bestStep: null,
    bestScore: typeof training.score === 'number' ? training.score : null,
    secondsPerStep: null,
    checkpointStep: null,
    failure: null,
    verdict: null,
    ...(understood.length > 0 && { understood }),
  };
}

/** The name that the training recorded, else that of the folder or zip. */
function nameOf(training: Readonly<Record<string, unknown>>, files: readonly DroppedFile[]): string {
  if (typeof training.run === 'string' && training.run.trim() !== '') return `${training.run} (imported)`;
  const [first] = files;
  const parts = (first?.path ?? '').split('/');
  const file = parts.pop() ?? '';
  const stem = parts.pop() ?? file.replace(/\.[^.]+$/, '');
  return /^(adapter(_model)?)?$/.test(stem) ? 'Imported adapter' : stem;
}
