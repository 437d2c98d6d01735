import { Failure, type FailureRecord } from '../config/failure.ts';
import type { PreprocessingRecord, SamConfig } from '../config/sam.ts';
import { chooseModelFiles } from '../engine/model.ts';
import { type CheckpointFiles, openCheckpoint, sumOfWeights } from '../sam/checkpoint/checkpoint.ts';
import { parameterCountOf } from '../sam/checkpoint/expected-shapes.ts';
import { modelSources } from './input-files.ts';
import { plural, printRemarks, type Remark } from './remarks.ts';

/** What `inspect --model --json` prints of a model that loads. */
export interface ModelReport {
  /** The weights' files, separated by commas. */
  readonly file: string;
  readonly format: 'safetensors';
  readonly family: 'sam';
  /** Without the fixed matrix of the positional encoding. */
  readonly parameters: number;
  /** Of every value of every tensor that the model uses, the fixed matrix included. */
  readonly sumOfWeights: number;
  /** Tensors that were left alone. */
  readonly unused: readonly string[];
  readonly preprocess: PreprocessingRecord;
  readonly remarks: readonly Remark[];
}

/** What `inspect --model --json` prints of a model that does not. */
export interface RefusedModel {
  readonly refused: FailureRecord;
}

/** `mopeft inspect --model`: reads every weight on the CPU. 0 when the model loads; as JSON, a refusal gives 1. */
export async function inspectModel(paths: readonly string[], asJson: boolean): Promise<number> {
  if (!asJson) {
    printModel(await modelReport(paths));
    return 0;
  }
  try {
    console.log(JSON.stringify(await modelReport(paths), null, 1));
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    const refused: RefusedModel = { refused: thrown.record };
    console.log(JSON.stringify(refused, null, 1));
    return 1;
  }
}

async function modelReport(paths: readonly string[]): Promise<ModelReport> {
  const sources = (await Promise.all(paths.map(modelSources))).flat();
  const files = await chooseModelFiles(sources);
  const checkpoint = await openCheckpoint(files);
  const { name, config, unused } = checkpoint;
  return {
    file: name,
    format: 'safetensors',
    family: 'sam',
    parameters: parameterCountOf(config),
    sumOfWeights: await sumOfWeights(checkpoint),
    unused,
    preprocess: config.preprocessing,
    remarks: assumptions(files, config),
  };
}

/** What no file said. */
function assumptions({ config: file }: CheckpointFiles, { decoder }: SamConfig): Remark[] {
  if (file) return [];
  return [
    {
      code: 'checkpoint/no-config',
      severity: 'look',
      file: null,
      what: `There is no config.json. The decoder's ${decoder.numHeads} heads are SAM's own; the shapes do not tell them.`,
      cure: 'If the model has another number, give its config.json with the weights.',
    },
  ];
}

function printModel({ file, parameters, sumOfWeights, unused, preprocess, remarks }: ModelReport): void {
  const { aspect, normalisation } = preprocess;
  console.log(`${file}: SAM, safetensors, ${plural(parameters, 'parameter')}`);
  console.log(`  sum of weights: ${sumOfWeights.toFixed(4)}`);
  console.log(`  image: ${ASPECTS[aspect]}, normalised by ${NORMALISATIONS[normalisation.kind]}`);
  if (unused.length > 0)
    console.log(`  left alone: ${plural(unused.length, 'tensor')}: ${unused.join(', ')}`);
  printRemarks(remarks);
}

const ASPECTS = { keep: 'aspect kept and padded', stretch: 'stretched to a square' } as const;
const NORMALISATIONS = {
  'mean-std': 'mean and standard deviation',
  'min-max': 'its own minimum and maximum',
} as const;
