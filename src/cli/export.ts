import { chooseModelFiles } from '../engine/model.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { mergeAdapter } from '../peft/merge.ts';
import { type CheckpointFiles, openCheckpoint } from '../sam/checkpoint/checkpoint.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import { openTensorFile } from '../sam/checkpoint/open-tensor-file.ts';
import { SafetensorsFile } from '../sam/checkpoint/safetensors-write.ts';
import { readFlags, requiredFlag, wrongArguments } from './arguments.ts';
import { modelSources } from './input-files.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { newFolder, openAdapter, openCliModel } from './open.ts';

const USAGE = `  npm run mopeft -- export --model DIR|FILE --run RUN --as merged [--dataset NAME] --out DIR
  Writes a tuned model as other programs read it. merged: a plain SAM, original names, whose weights hold the adapter, where that
  is exact: LoRA, bias and norm, last blocks, SSF and IA³, without gates or with gates none, budget, hard or task.
  --run is the folder of a run, or an adapter's file, folder or zip; --dataset says which one is meant where gates tell datasets apart.
${MODEL_USAGE}`;

/** `mopeft export`: a tuned model in a form that needs no adapter. */
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
  const form = requiredFlag(flags.as, 'as', USAGE);
  if (form !== 'merged') throw wrongArguments(`--as is "${form}", which is not merged`, USAGE);
  const out = await newFolder(requiredFlag(flags.out, 'out', USAGE));
  const choices = modelChoices(flags, USAGE);
  const { gpu, model } = await openCliModel(modelPath, choices);
  const adapter = await openAdapter(run, model);
  gpu.destroy();
  const files = await chooseModelFiles(await modelSources(modelPath));
  const checkpoint = await openCheckpoint(files, choices);
  const changed = await mergeAdapter(adapter, checkpoint.config, checkpoint.read, flags.dataset);
  const file = new SafetensorsFile(samTensorShapes(checkpoint.config), await metadataOf(files));
  for (const name of samTensorShapes(checkpoint.config).keys())
    file.set(name, (changed.get(name) ?? (await checkpoint.read(name))).data);
  await out.write('model.safetensors', file.bytes);
  // It is the same SAM, so what its files say of it is still true.
  const texts = { 'config.json': files.config, 'preprocessor_config.json': files.preprocessor };
  for (const [name, file] of Object.entries(texts))
    if (file) await out.write(name, new TextEncoder().encode(file.text));
  console.log(
    `${flags.out}: a plain SAM, of which ${changed.size} tensors are changed. ${thresholdSentence(adapter)}`,
  );
  return 0;
}

/** What the model's own files carry beside their tensors. */
async function metadataOf({ weights }: CheckpointFiles): Promise<Record<string, string>> {
  const opened = await Promise.all(weights.map(openTensorFile));
  return Object.assign({}, ...opened.map(({ metadata }) => metadata));
}

function thresholdSentence({ maskThreshold }: Adapter): string {
  return maskThreshold === 0
    ? 'Its masks are where logits are above 0, as SAM’s.'
    : `Its masks are where logits are above ${maskThreshold}: set that in the program that opens it.`;
}
