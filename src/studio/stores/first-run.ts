/** The run of the first minute: drawn images, settings that finish soon, and what is kept of it. */
import { create } from 'zustand';
import { signed } from '../../config/words.ts';
import type {
  Capabilities,
  FieldValues,
  RunInfo,
  TrainSettings,
  VerdictMeasure,
} from '../../worker/protocol.ts';
import { addDemo, deleteDataset, useDatasets } from './datasets.ts';
import { deleteRun, startRun, useRuns } from './runs.ts';
import { settingsOf } from './setup.ts';

const KEY = 'mopeft.first-minute.made';

interface Made {
  readonly datasetId: string | null;
  readonly runId: string | null;
}

interface FirstRunState extends Made {
  readonly isStarting: boolean;
}

export const useFirstRun = create<FirstRunState>()(() => ({ ...remembered(), isStarting: false }));

/** Images to learn from, as the engine draws and splits them. */
export const TRAIN_IMAGES = 8;
export const STEPS = 20;

/**
 * The mask decoder alone learns from clicks, and images come as they are, so that the encoder runs once for each
 * (docs/measurements/first-minute.md).
 */
const VALUES: FieldValues = {
  'train.steps': STEPS,
  'train.imagesPerStep': 1,
  'train.objectsPerImage': 4,
  'train.corrections': 0,
  'train.lrDecoder': 3e-4,
  'train.minCrop': 1,
  'train.brightness': 0,
  'train.contrast': 0,
  'train.flips': false,
  'train.quarterTurns': false,
  'train.evalEvery': 5,
  'train.evalObjects': 8,
  'train.checkpointEvery': 5,
};

export function firstSettings(datasetIds: readonly string[], capabilities: Capabilities): TrainSettings {
  const form = { name: 'First minute', goal: 'click', methods: [], trainDecoder: true } as const;
  return settingsOf(
    { ...form, datasetIds, gate: null, presetId: null, scale: null, changed: VALUES },
    capabilities,
  );
}

/** Draws the images, unless they are there, and starts to train on them. */
export async function trainFirst(capabilities: Capabilities): Promise<void> {
  if (useFirstRun.getState().isStarting) return;
  useFirstRun.setState({ isStarting: true });
  const datasetId = presentDataset() ?? (await addDemo('cells'))[0] ?? null;
  if (datasetId !== null) {
    remember({ datasetId, runId: null });
    const run = await startRun(firstSettings([datasetId], capabilities));
    remember({ datasetId, runId: run?.id ?? null });
  }
  useFirstRun.setState({ isStarting: false });
}

/** Deletes what the first minute made. */
export async function discardFirst(): Promise<void> {
  const { datasetId, runId } = useFirstRun.getState();
  remember({ datasetId: null, runId: null });
  if (runId !== null) await deleteRun(runId);
  if (datasetId !== null) await deleteDataset(datasetId);
}

/** The run that was made here; null where there is none, or it was deleted. */
export function useMadeRun(): RunInfo | null {
  const runId = useFirstRun((state) => state.runId);
  return useRuns((state) => state.runs.find(({ id }) => id === runId) ?? null);
}

/** "On 4 images it had not seen, IoU by click went from .56 to .89 (+.33, 95 % between +.28 and +.39, n = 32 objects)." */
export function gainSentence({ base, tuned, gainLow, gainHigh, n, images }: VerdictMeasure): string {
  const change = signed(tuned - base, 2);
  const range = `95 % between ${signed(gainLow, 2)} and ${signed(gainHigh, 2)}`;
  const on = `On ${images} images it had not seen`;
  return `${on}, IoU by click went from ${base.toFixed(2)} to ${tuned.toFixed(2)} (${change}, ${range}, n = ${n} objects).`;
}

function presentDataset(): string | null {
  const { datasetId } = useFirstRun.getState();
  return useDatasets.getState().datasets.find(({ id }) => id === datasetId)?.id ?? null;
}

function remember(made: Made): void {
  useFirstRun.setState(made);
  try {
    window.localStorage.setItem(KEY, JSON.stringify(made));
  } catch {
    // After a reload it is found on the pages for datasets and runs.
  }
}

function remembered(): Made {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(KEY) ?? '{}');
    const text = (name: keyof Made): string | null => {
      const value: unknown = Object(stored)[name];
      return typeof value === 'string' ? value : null;
    };
    return { datasetId: text('datasetId'), runId: text('runId') };
  } catch {
    // Nothing was stored, or the browser forbids it.
    return { datasetId: null, runId: null };
  }
}
