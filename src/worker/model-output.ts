/** Tuned models in other programs' forms, from a run and the open model. */

import { zipStream } from '../data/zip.ts';
import { datasetsOf } from '../engine/asked-dataset.ts';
import { CATALOGUE } from '../engine/catalogue/catalogue.ts';
import type { ExportFile, ExportSource } from '../engine/export/export-form.ts';
import { EXPORT_FORMS, exportFormById } from '../engine/export/registry.ts';
import { readRunFacts } from '../engine/export/run-facts.ts';
import { chooseModelFiles } from '../engine/model.ts';
import { readRunAdapter } from '../engine/run/adapter-files.ts';
import { openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import type { CurrentModel, EngineState } from './engine-state.ts';
import { openOptions } from './model-origins.ts';
import type { ExportChoices, ExportRequest } from './protocol.ts';
import type { TrainingService } from './runs/training-service.ts';
import type { CallContext } from './serve.ts';

interface Engine {
  readonly state: Pick<EngineState, 'needModel'>;
  readonly training: Pick<TrainingService, 'need'> & {
    readonly repository: Pick<TrainingService['repository'], 'filesOf'>;
  };
}

/** The forms that a run can have. @throws Failure `run/unknown`, `run/no-adapter`, `adapter/other-model`, `model/none`. */
export async function exportChoices({ state, training }: Engine, runId: string): Promise<ExportChoices> {
  const { open } = state.needModel();
  await training.need(runId);
  const adapter = await readRunAdapter(training.repository.filesOf(runId), open);
  const checkpoint = { config: open.config, read: neverRead };
  return {
    forms: EXPORT_FORMS.map(({ id, label, help, refusal }) => ({
      id,
      label,
      help,
      refusal: refusal({ adapter, checkpoint }),
    })),
    datasets: datasetsOf(adapter),
  };
}

/** Writes a run in a form as a zip. @throws Failure as {@link exportChoices}, and what the form throws. */
export async function exportRun(
  { state, training }: Engine,
  { runId, form: id, dataset, to }: ExportRequest,
  call: Pick<CallContext, 'signal' | 'progress'>,
): Promise<{ readonly file: Blob | null }> {
  const current = state.needModel();
  const run = await training.need(runId);
  const files = training.repository.filesOf(runId);
  const adapter = await readRunAdapter(files, current.open);
  const { origin } = current;
  const chosen = await chooseModelFiles(await origin.files(openOptions(call)));
  const source: ExportSource = {
    adapter,
    checkpoint: await openCheckpoint(chosen, origin.choices),
    base: baseOf(current),
    ...(dataset !== null && { dataset }),
    run: await readRunFacts(files, run.name),
  };
  const bytes = zipStream(shown(exportFormById(id).write(source), call));
  if (to) {
    await bytes.pipeTo(await to.createWritable(), { signal: call.signal });
    return { file: null };
  }
  return { file: await new Response(bytes).blob() };
}

/** Says which file comes next. */
async function* shown(
  files: AsyncGenerator<ExportFile>,
  { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
): AsyncGenerator<ExportFile> {
  let done = 0;
  for await (const file of files) {
    signal.throwIfAborted();
    done += 1;
    progress({ done, total: 0, label: `Writing ${file.path}` });
    yield file;
  }
}

function baseOf({ open, origin }: Pick<CurrentModel, 'open' | 'origin'>): ExportSource['base'] {
  const repository = CATALOGUE.find((model) => model.id === origin.catalogueId)?.repository ?? null;
  const licence = origin.source === 'file' ? null : origin.licence;
  return { name: open.name, hash: open.hash, licence, repository };
}

async function neverRead(name: string): Promise<never> {
  throw new RangeError(`${name} is not read to say what a run can be`);
}
