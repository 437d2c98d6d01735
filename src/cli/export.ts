import { basename, resolve } from 'node:path';
import { Failure } from '../config/failure.ts';
import { CATALOGUE } from '../engine/catalogue/catalogue.ts';
import { thresholdSentence } from '../engine/export/card.ts';
import { EXPORT_FORMS, exportFormById } from '../engine/export/registry.ts';
import { readRunFacts } from '../engine/export/run-facts.ts';
import { chooseModelFiles } from '../engine/model.ts';
import { openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { readFlags, requiredFlag } from './arguments.ts';
import { modelSources, statOf } from './input-files.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { newFolder, openAdapter, openCliModel, runFolder } from './open.ts';

const FORMS = EXPORT_FORMS.map(({ id, help }) => `    ${`${id}:`.padEnd(9)} ${help}`).join('\n');
const USAGE = `  npm run mopeft -- export --model DIR|FILE --run RUN --as ${EXPORT_FORMS.map(({ id }) => id).join('|')} [--dataset NAME] --out DIR
  Writes a tuned model as other programs read it, into a new folder with a card (README.md):
${FORMS}
  --run is the folder of a run, or an adapter's file, folder or zip; --dataset says which one is meant where gates tell datasets apart.
${MODEL_USAGE}`;

/** `mopeft export`: a tuned model in another program's form. */
export async function exportModel(args: readonly string[]): Promise<number> {
  const flags = readFlags(
    args,
    {
      model: { type: 'string' },
      run: { type: 'string' },
      as: { type: 'string' },
      dataset: { type: 'string' },
      out: { type: 'string' },
      ...MODEL_FLAGS,
    },
    USAGE,
  );
  const modelPath = requiredFlag(flags.model, 'model', USAGE);
  const run = requiredFlag(flags.run, 'run', USAGE);
  const form = exportFormById(requiredFlag(flags.as, 'as', USAGE));
  const outPath = requiredFlag(flags.out, 'out', USAGE);
  const choices = modelChoices(flags, USAGE);
  const { gpu, model } = await openCliModel(modelPath, choices);
  const adapter = await openAdapter(run, model);
  gpu.destroy();
  const checkpoint = await openCheckpoint(await chooseModelFiles(await modelSources(modelPath)), choices);
  const refused = form.refusal({ adapter, checkpoint });
  if (refused) throw new Failure(refused);
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
    run: isFolder ? await readRunFacts(runFolder(run), basename(resolve(run))) : null,
  };
  const files = form.write(source);
  // The first file shows whether it can be written at all, so that a refusal leaves no folder behind.
  let next = await files.next();
  const out = await newFolder(outPath);
  for (; !next.done; next = await files.next()) await out.write(next.value.path, next.value.bytes);
  console.log(`${outPath}: ${form.label}. ${thresholdSentence(adapter.maskThreshold)}`);
  return 0;
}
