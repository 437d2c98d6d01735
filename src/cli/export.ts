import { basename, resolve } from 'node:path';
import { asksForProject } from '../../scripts/toolchain/needs-adapter.mjs';
import { Failure } from '../config/failure.ts';
import { CATALOGUE } from '../engine/catalogue/catalogue.ts';
import { usageNotes } from '../engine/export/card.ts';
import type { FixedGates } from '../engine/export/export-form.ts';
import { peft } from '../engine/export/peft.ts';
import { EXPORT_FORMS, exportFormById } from '../engine/export/registry.ts';
import { readRunFacts } from '../engine/export/run-facts.ts';
import { chooseModelFiles, type OpenModel } from '../engine/model.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import { openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { choiceFlag, readFlags, requiredFlag, wrongArguments } from './arguments.ts';
import { exportProject, PROJECT_USAGE } from './export-project.ts';
import { measureFixedGates } from './fixed-gates.ts';
import { modelSources, statOf } from './input-files.ts';
import { MEASURED_FLAGS, openMeasured } from './measured-input.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { newFolder, openAdapter, openCliModel, runFolder } from './open.ts';
import { READING_USAGE } from './reading-flags.ts';
import { expectFree } from './write-files.ts';

const FORMS = EXPORT_FORMS.map(({ id, help }) => `    ${`${id}:`.padEnd(12)} ${help}`).join('\n');
const USAGE = `  npm run mopeft -- export --model DIR|FILE --run RUN --as ${EXPORT_FORMS.map(({ id }) => id).join('|')} [--dataset NAME]
      [--data DIR] --out DIR
  Writes a tuned model as other programs read it, into a new folder with a card (README.md):
${FORMS}
  --run is the folder of a run, or an adapter's file, folder or zip; --dataset says which one is meant where gates tell datasets apart.
  --data goes with peft where gates look at the image: each becomes its mean over the images of that dataset (by default of its
  validation split), and the card says what that changes, measured there, by the flags of evaluate:
      [--split val] [--seed S] [--split-order shuffled|name] [--max-images N] [--max-objects 5] [--scale whole|N] [--min-size 4]
      [--min-area 0] [--weights f32|f16]
${PROJECT_USAGE}
${MODEL_USAGE}
${READING_USAGE}`;

/** What says how `--data` is measured. `--run` takes the place of `--adapter`. */
const { model: MODEL, as: AS, data: DATA, adapter: _, ...MEASURING } = MEASURED_FLAGS;

/** `mopeft export`: a tuned model in another program's form, or a run as a project. */
export async function exportModel(args: readonly string[]): Promise<number> {
  // A project needs no model and has flags of its own.
  if (asksForProject(args)) return exportProject(args, USAGE);
  const flags = readFlags(
    args,
    {
      model: MODEL,
      as: AS,
      data: DATA,
      ...MEASURING,
      run: { type: 'string' },
      dataset: { type: 'string' },
      out: { type: 'string' },
    },
    USAGE,
  );
  const lost = Object.keys(flags).find((flag) => flag in MEASURING && !(flag in MODEL_FLAGS));
  if (flags.data === undefined && lost !== undefined)
    throw wrongArguments(`--${lost} goes with --data`, `Add --data, or leave --${lost} out`, USAGE);
  const modelPath = requiredFlag(flags.model, 'model', USAGE);
  const run = requiredFlag(flags.run, 'run', USAGE);
  const as = choiceFlag(flags.as, 'as', [...EXPORT_FORMS.map(({ id }) => id), 'project'], USAGE);
  const form = exportFormById(requiredFlag(as, 'as', USAGE));
  const outPath = requiredFlag(flags.out, 'out', USAGE);
  await expectFree(outPath, 'Name a new folder.');
  const choices = modelChoices(flags, USAGE);
  const checkpoint = await openCheckpoint(await chooseModelFiles(await modelSources(modelPath)), choices);
  const expectForm = (adapter: Adapter, fixedGates: FixedGates | null) => {
    const refused = form.refusal({ adapter, checkpoint, ...(fixedGates && { fixedGates }) });
    if (refused) throw new Failure(refused);
  };
  const { model, adapter, fixedGates } = await openTuned(flags, modelPath, run, expectForm);
  expectForm(adapter, fixedGates);
  const known = CATALOGUE.find(({ id }) => id === modelPath);
  const isFolder = (await statOf(run, 'Give the folder of a run.')).isDirectory();
  const source = {
    adapter,
    checkpoint,
    base: {
      name: model.name,
      hash: model.hash,
      licence: known?.licence ?? null,
      repository: known?.repository ?? null,
    },
    ...(flags.dataset !== undefined && { dataset: flags.dataset }),
    ...(fixedGates && { fixedGates }),
    run: isFolder ? await readRunFacts(runFolder(run), basename(resolve(run))) : null,
  };
  const files = form.write(source);
  // The first file shows whether it can be written at all, so that a refusal leaves no folder behind.
  let next = await files.next();
  const out = await newFolder(outPath);
  for (; !next.done; next = await files.next()) await out.write(next.value.path, next.value.bytes);
  console.log(`${outPath}: ${form.label}. ${usageNotes(adapter).join(' ')}`);
  return 0;
}

interface Tuned {
  readonly model: OpenModel;
  readonly adapter: Adapter;
  /** Null where the adapter's own gates go out. */
  readonly fixedGates: FixedGates | null;
}

async function openTuned(
  flags: Parameters<typeof openMeasured>[0],
  modelPath: string,
  run: string,
  expectForm: (adapter: Adapter, fixedGates: FixedGates) => void,
): Promise<Tuned> {
  if (flags.data === undefined) {
    const { gpu, model } = await openCliModel(modelPath, modelChoices(flags, USAGE));
    const adapter = await openAdapter(run, model);
    gpu.destroy();
    return { model, adapter, fixedGates: null };
  }
  const { as: form, ...measured } = flags;
  const input = await openMeasured({ ...measured, adapter: run }, 'val', USAGE);
  const { gpu, model, adapter } = input;
  if (!adapter) throw new RangeError('an adapter was opened');
  if (form !== peft.id || gateFormById(adapter.mopeft.gate).constant)
    throw wrongArguments(
      '--data goes with --as peft where gates look at the image',
      'Leave --data out',
      USAGE,
    );
  // Measuring takes a while: what no gates can mend is refused before.
  expectForm(adapter, { layers: [], said: '' });
  const fixedGates = await measureFixedGates(input, adapter);
  gpu.destroy();
  console.error(fixedGates.said);
  return { model, adapter, fixedGates };
}
