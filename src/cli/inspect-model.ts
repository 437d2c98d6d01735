import type { ModelChoices } from '../config/model-choices.ts';
import type { DecoderKind, PreprocessingRecord } from '../config/sam.ts';
import { plural } from '../config/words.ts';
import { chooseModelFiles } from '../engine/model.ts';
import { openCheckpoint, sumOfWeights } from '../sam/checkpoint/checkpoint.ts';
import { parameterCountOf } from '../sam/checkpoint/expected-shapes.ts';
import { someOf } from '../sam/checkpoint/left-alone.ts';
import { modelSources } from './input-files.ts';
import { withFlags } from './model-flags.ts';
import { printRemarks, type Remark } from './remarks.ts';
import { printResult } from './report.ts';

const FAMILY_IDS = { sam: 'sam', hq: 'sam-hq', sam2: 'sam2' } as const;

/** What `inspect --model --json` prints of a model that loads. */
export interface ModelReport {
  /** The weights' files, separated by commas. */
  readonly file: string;
  readonly format: 'safetensors' | 'pickle';
  readonly family: (typeof FAMILY_IDS)[DecoderKind];
  /** Without the fixed matrix of the positional encoding. */
  readonly parameters: number;
  /** Of every value of every tensor that the model uses, the fixed matrix included. */
  readonly sumOfWeights: number;
  /** Tensors that were left alone. */
  readonly unused: readonly string[];
  readonly preprocess: PreprocessingRecord;
  readonly remarks: readonly Remark[];
}

/** `mopeft inspect --model`: reads every weight on the CPU. @throws Failure where the model does not load. */
export async function inspectModel(
  paths: readonly string[],
  choices: ModelChoices,
  asJson: boolean,
): Promise<number> {
  return printResult(await modelReport(paths, choices), { asJson, print: printModel });
}

async function modelReport(paths: readonly string[], choices: ModelChoices): Promise<ModelReport> {
  const checkpoint = await openCheckpoint(await chooseModelFiles(await modelSources(...paths)), choices);
  const { name, format, config, unused } = checkpoint;
  return {
    file: name,
    format,
    family: FAMILY_IDS[config.decoder.kind],
    parameters: parameterCountOf(config),
    sumOfWeights: await sumOfWeights(checkpoint),
    unused,
    preprocess: config.preprocessing,
    remarks: checkpoint.remarks.map(withFlags).map(({ code, what, where, cure }) => ({
      code,
      severity: 'look',
      file: where ?? null,
      what,
      cure,
    })),
  };
}

function printModel({
  file,
  format,
  family,
  parameters,
  sumOfWeights,
  unused,
  preprocess,
  remarks,
}: ModelReport): void {
  const { aspect, normalisation } = preprocess;
  console.log(`${file}: ${family.toUpperCase()}, ${format}, ${plural(parameters, 'parameter')}`);
  console.log(`  sum of weights: ${sumOfWeights.toFixed(4)}`);
  console.log(`  image: ${ASPECTS[aspect]}, normalised by ${worded(normalisation)}`);
  if (unused.length > 0)
    console.log(`  left alone: ${plural(unused.length, 'tensor')}: ${someNames(unused)}`);
  printRemarks(remarks);
}

const ASPECTS = { keep: 'aspect kept and padded', stretch: 'stretched to a square' } as const;

/** A normalisation in words. */
function worded(normalisation: PreprocessingRecord['normalisation']): string {
  if (normalisation.kind === 'min-max') return 'its own minimum and maximum';
  const { mean, std, range } = normalisation;
  return `mean ${mean.join(', ')} and standard deviation ${std.join(', ')} of values from 0 to ${range}`;
}

/** So many names at most are written out. */
const MOST_NAMES = 12;

/** The names, or of very many the first, and where all are. */
function someNames(names: readonly string[]): string {
  const some = someOf(names, MOST_NAMES);
  return names.length <= MOST_NAMES
    ? some
    : `${some} and ${names.length - MOST_NAMES} more (--json lists all)`;
}
