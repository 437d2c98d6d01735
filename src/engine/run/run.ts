/**
 * A run: one training from its start to its verdict, over any number of sessions; the same for the studio and the command line.
 *
 *     run-types.ts       what a run is to those who start and watch it
 *     plan-run.ts        what it would cost and what would stop it, before it starts
 *     run.ts             starts it, or resumes it from its checkpoint: writes or reads its config and split, then
 *     run-execution.ts   drives the trainer (src/train), measures on the test images, and forms
 *     verdict.ts         tuned against base, in numbers; verdict-words.ts, in words
 *     run-files.ts       the run's folder: every file, read and written
 *     metrics.ts         metrics.jsonl, one of them: its lines, and the log that writes them in order
 *     history-csv.ts     the metrics as a table to take away
 *     adapter-files.ts   the run's adapter out as files and in again
 *
 * `src/worker/runs/` keeps a record for each run of the studio and lets one at a time use the device.
 */
import { Failure } from '../../config/failure.ts';
import { parseStoredTrainConfig } from '../../config/train.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { nameOfMethods } from '../../peft/recipes.ts';
import { resolveStoredMopeft } from '../../peft/resolve.ts';
import type { RunSettings } from '../settings.ts';
import { dataProblems, settingsFor } from './plan-run.ts';
import { RunExecution } from './run-execution.ts';
import { RUN_FILES, type RunConfig, type RunFiles } from './run-files.ts';
import type { Run, RunDataset, RunParts } from './run-types.ts';

/**
 * Starts a run: writes its config and split, allocates, and begins. Resolves when the first step is about to be taken.
 * What an earlier start left that failed before its first step is replaced.
 * @throws Failure `run/exists`, `run/folder-in-use`, `train/…`, `peft/…`, `gpu/…`, `storage/…`.
 */
export async function startTraining(
  parts: RunParts,
  settings: RunSettings,
  datasets: readonly RunDataset[],
): Promise<Run> {
  const { files, model } = parts;
  const [problem] = dataProblems(datasets);
  if (problem) throw new Failure(problem);
  await clear(files);
  const config: RunConfig = {
    format: 1,
    model: { name: model.name, hash: model.hash },
    method: nameOfMethods(Object.keys(settings.mopeft.methods)),
    ...settingsFor(settings, datasets),
    datasets: datasets.map(({ key, name, dataset: { scale = 'whole' } }) => ({
      key,
      name,
      ...(scale !== 'whole' && { scale }),
    })),
    device: deviceName(parts.gpu),
  };
  await files.writeConfig(config);
  await files.writeSplit(Object.fromEntries(datasets.map(({ key, split }) => [key, split])));
  return RunExecution.begin(parts, config, datasets, false);
}

/** Makes room for a run: removes what a start that failed before its first step has left, and nothing else. */
async function clear(files: RunFiles): Promise<void> {
  switch (await files.holds()) {
    case 'nothing':
      return;
    case 'start':
      return files.removeResults();
    case 'run':
      throw new Failure({
        code: 'run/exists',
        what: 'There is a run already.',
        where: files.path(RUN_FILES.config),
        cure: 'Choose another folder, or resume the run that is there.',
      });
    case 'other':
      throw new Failure({
        code: 'run/folder-in-use',
        what: 'There is a file already that a run would replace.',
        where: (await files.firstFile()) ?? files.folder,
        cure: 'Choose another folder.',
      });
  }
}

/**
 * Goes on with a run from its last checkpoint; a run without one starts anew, which gives the same steps.
 * @param datasets those of the config, with the run's own split; see `resumedDataset`.
 * @throws Failure `run/other-model`, `run/no-datasets`, and as {@link startTraining}.
 */
export async function resumeTraining(
  parts: RunParts,
  config: RunConfig,
  datasets: readonly RunDataset[],
): Promise<Run> {
  const { files, model, observer } = parts;
  if (config.model.hash !== model.hash) {
    throw new Failure({
      code: 'run/other-model',
      what: `The run belongs to the model ${config.model.name}, and ${model.name} has other weights.`,
      where: files.path(RUN_FILES.config),
      cure: `Open ${config.model.name} to go on.`,
    });
  }
  const missing = config.datasets.find(({ key }) => !datasets.some((dataset) => dataset.key === key));
  if (missing) {
    throw new Failure({
      code: 'run/no-datasets',
      what: `The run's dataset ${missing.name} is not there.`,
      where: missing.name,
      cure: 'Give all datasets with which the run was started.',
    });
  }
  const now = deviceName(parts.gpu);
  if (config.device !== undefined && config.device !== now) {
    observer?.onNotice?.(
      `The run was started on ${config.device} and resumes on ${now}: the losses will differ in their last digits.`,
    );
  }
  const hasCheckpoint = await files.store.exists(files.path(RUN_FILES.checkpoint));
  const train = parseStoredTrainConfig(config.train);
  const mopeft = resolveStoredMopeft(config.mopeft, model.config);
  return RunExecution.begin(parts, { ...config, mopeft, train }, datasets, hasCheckpoint);
}

/** Name of the adapter that a run computes on; bit equality is claimed for one adapter only. */
function deviceName({ info }: Gpu): string {
  return [info.vendor, info.architecture, info.description || info.device].filter(Boolean).join(' ');
}
