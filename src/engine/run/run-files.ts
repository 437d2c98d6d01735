/**
 * The files of one run, the same in the browser's storage and in the command line's RUN folder:
 *
 *     config.json          everything decided: model, method, training, datasets
 *     split.json           which images train, validate and test, by dataset and name
 *     metrics.jsonl        what was measured, see metrics.ts
 *     adapter.safetensors  the best weights so far, and
 *     adapter.json         what they belong to
 *     checkpoint/          what the run resumes from
 *     looks.json           three validation images with masks, to look at, see looks.ts
 *     kept/                what saves work while the run is under way; removed at its start and end
 *     verdict.json         tuned against base on the test images, when the run is over
 *     test-ious.json       what each object of them scored, see test-ious.ts
 *     worth.json           the IoU that is lost without each module, where it was measured, see ../worth/run-worth.ts
 */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import type { TrainConfig } from '../../config/train.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { Scale, Split } from '../../data/types.ts';
import { type AdapterBase, writeAdapter } from '../../peft/adapter-file.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import type { RunStorage } from '../../train/checkpoint.ts';
import {
  ADAPTER_JSON,
  type AdapterPair,
  baseOf,
  hasLearned,
  type NamedBytes,
  ownJson,
  readPair,
  withoutUntrained,
} from './adapter-pair.ts';
import { formatMetrics, type MetricsLine, parseMetrics } from './metrics.ts';

/** What only saves work, in a folder of its own. */
export const KEPT_FOLDER = 'kept';

export const RUN_FILES = {
  checkpoint: 'checkpoint/last.safetensors',
  adapter: 'adapter.safetensors',
  adapterJson: ADAPTER_JSON,
  config: 'config.json',
  split: 'split.json',
  metrics: 'metrics.jsonl',
  verdict: 'verdict.json',
  testIous: 'test-ious.json',
  looks: 'looks.json',
  worth: 'worth.json',
} as const;

/** A dataset as a run knows it: `key` names it in metrics and splits and is unique in the run. */
export interface RunDatasetName {
  readonly key: string;
  readonly name: string;
  /** How the model sees its images; whole without one. */
  readonly scale?: Scale;
}

/** The scale that all datasets have; null where they differ. */
export function commonScale(datasets: readonly { readonly scale?: Scale }[]): Scale | null {
  const [first = 'whole', ...others] = new Set(datasets.map(({ scale = 'whole' }) => scale));
  return others.length === 0 ? first : null;
}

/** How people call the dataset of a key. */
export function nameOfDataset({ datasets }: Pick<RunConfig, 'datasets'>, key: string): string {
  return datasets.find((dataset) => dataset.key === key)?.name ?? key;
}

/** Everything decided about a run. */
export interface RunConfig {
  readonly format: 1;
  readonly model: { readonly name: string; readonly hash: string };
  /** Short name of the method: `mopeft`, `lora+adapter`, `decoder` … */
  readonly method: string;
  readonly mopeft: MopeftConfig;
  readonly train: TrainConfig;
  readonly datasets: readonly RunDatasetName[];
  /** The adapter that it was started on. */
  readonly device?: string;
}

/** Names of images by split, by dataset key. */
export type RunSplit = Readonly<Record<string, Readonly<Record<Split, readonly string[]>>>>;

const ConfigSchema = v.looseObject({
  format: v.literal(1),
  model: v.object({ name: v.string(), hash: v.string() }),
  method: v.string(),
  mopeft: v.looseObject({
    methods: v.record(v.string(), v.record(v.string(), v.union([v.number(), v.string(), v.boolean()]))),
    gate: v.string(),
    blocks: v.array(v.number()),
    trainDecoder: v.boolean(),
  }),
  train: v.record(v.string(), v.union([v.number(), v.string(), v.boolean()])),
  datasets: v.array(
    v.object({
      key: v.string(),
      name: v.string(),
      scale: v.optional(v.union([v.literal('whole'), v.pipe(v.number(), v.integer(), v.minValue(1))])),
    }),
  ),
});
const names = v.array(v.string());
const SplitSchema = v.record(v.string(), v.object({ train: names, val: names, test: names }));

/** Reads and writes the files of one run. */
export class RunFiles {
  /** @param folder path of the run in the store; `''` when the store is the run. */
  constructor(
    readonly store: FileStore,
    readonly folder: string,
  ) {}

  path(name: string): string {
    return this.folder === '' ? name : `${this.folder}/${name}`;
  }

  async writeConfig(config: RunConfig): Promise<void> {
    await this.writeText(RUN_FILES.config, `${JSON.stringify(config, null, 2)}\n`);
  }

  /** @throws Failure `run/no-run` when there is none, `run/damaged` when it says something else. */
  async readConfig(): Promise<RunConfig> {
    if (!(await this.store.exists(this.path(RUN_FILES.config)))) {
      throw new Failure({
        code: 'run/no-run',
        what: 'There is no run here.',
        where: this.path(RUN_FILES.config),
        cure: 'Name the folder that a training wrote.',
      });
    }
    // The schema checks what is read; the train settings are parsed again, field by field, before they are used.
    return (await this.readJson(RUN_FILES.config, ConfigSchema)) as unknown as RunConfig;
  }

  /** Whether config and split are there, which are written before a run's first step. */
  async isDecided(): Promise<boolean> {
    const [config, split] = [this.path(RUN_FILES.config), this.path(RUN_FILES.split)];
    return (await this.store.exists(config)) && (await this.store.exists(split));
  }

  /**
   * What is where a run would be written: `start` is one that took no step, `other` are files of something else under a
   * run's names.
   */
  async holds(): Promise<'nothing' | 'start' | 'run' | 'other'> {
    if ((await this.firstFile()) === null) return 'nothing';
    const isDecided = await this.readConfig().then(
      () => true,
      () => false,
    );
    if (!isDecided) return 'other';
    return (await this.hasSteps()) ? 'run' : 'start';
  }

  /** The first of a run's files that is there; null where none is. */
  async firstFile(): Promise<string | null> {
    for (const name of [...Object.values(RUN_FILES), KEPT_FOLDER])
      if (await this.store.exists(this.path(name))) return this.path(name);
    return null;
  }

  /** Whether a run took a step here, can go on from a checkpoint, or left what it learned. */
  private async hasSteps(): Promise<boolean> {
    for (const name of [RUN_FILES.checkpoint, RUN_FILES.verdict])
      if (await this.store.exists(this.path(name))) return true;
    if ((await this.readMetrics()).some(({ type }) => type === 'step')) return true;
    const adapter = await this.readAdapterPair().catch(() => null);
    return adapter !== null && hasLearned(adapter);
  }

  /** Removes what a run writes after its config and split. */
  async removeResults(): Promise<void> {
    const { config, split, ...results } = RUN_FILES;
    for (const name of Object.values(results)) await this.store.remove(this.path(name));
  }

  async writeSplit(split: RunSplit): Promise<void> {
    await this.writeText(RUN_FILES.split, `${JSON.stringify(split, null, 2)}\n`);
  }

  /** @throws Failure `storage/missing`, `run/damaged`. */
  readSplit(): Promise<RunSplit> {
    return this.readJson(RUN_FILES.split, SplitSchema);
  }

  async appendMetrics(lines: readonly MetricsLine[]): Promise<void> {
    if (lines.length === 0) return;
    await this.store.append(this.path(RUN_FILES.metrics), new TextEncoder().encode(formatMetrics(lines)));
  }

  async writeMetrics(lines: readonly MetricsLine[]): Promise<void> {
    await this.writeText(RUN_FILES.metrics, formatMetrics(lines));
  }

  /** All lines; none when nothing was measured yet. */
  async readMetrics(): Promise<MetricsLine[]> {
    const path = this.path(RUN_FILES.metrics);
    if (!(await this.store.exists(path))) return [];
    return parseMetrics(new TextDecoder().decode(await this.store.read(path)));
  }

  writeText(name: string, text: string): Promise<void> {
    return this.store.write(this.path(name), new TextEncoder().encode(text));
  }

  /** @throws Failure `run/damaged` when the file is no JSON or not of this form. */
  async readJson<S extends v.GenericSchema>(name: string, schema: S): Promise<v.InferOutput<S>> {
    const text = new TextDecoder().decode(await this.store.read(this.path(name)));
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw this.damaged(name, 'it is no JSON');
    }
    const parsed = v.safeParse(schema, json);
    if (parsed.success) return parsed.output;
    const [issue] = parsed.issues;
    throw this.damaged(name, `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  }

  /**
   * Where the trainer keeps the run's checkpoint and its best weights, which are a whole adapter: `adapter.safetensors` does
   * not need the json beside it.
   * @param training recorded in the adapter beside step and score.
   */
  trainerStorage(base: AdapterBase, training: Readonly<Record<string, unknown>> = {}): RunStorage {
    return {
      readCheckpoint: () => this.readIfThere(RUN_FILES.checkpoint),
      writeCheckpoint: (bytes) => this.store.write(this.path(RUN_FILES.checkpoint), bytes),
      readBest: async () => {
        const pair = await this.readAdapterPair();
        return pair && readPair(base, pair);
      },
      writeBest: async ({ mopeft, tensors, maskThreshold, step, score }) => {
        const about = { ...training, step, score };
        const best =
          step === 0
            ? { mopeft: baseOf(mopeft), tensors: new Map<string, HostTensor>() }
            : { mopeft, tensors };
        const files = writeAdapter(base, { ...best, maskThreshold, training: about });
        await this.store.write(this.path(RUN_FILES.adapter), files.safetensors);
        await this.writeText(RUN_FILES.adapterJson, files.json);
      },
    };
  }

  /** The best weights and the record that belongs to them; null before there are any. */
  async readAdapterPair(): Promise<AdapterPair | null> {
    const read = async (name: string): Promise<NamedBytes | null> => {
      const bytes = await this.readIfThere(name);
      return bytes && { name, bytes };
    };
    const weights = await read(RUN_FILES.adapter);
    const json = weights && ((await ownJson(weights)) ?? (await read(RUN_FILES.adapterJson)));
    return weights && json && withoutUntrained({ weights, json });
  }

  /** The bytes of one of the run's files; null when it is not there. */
  async readIfThere(name: string): Promise<Uint8Array | null> {
    const path = this.path(name);
    return (await this.store.exists(path)) ? this.store.read(path) : null;
  }

  private damaged(name: string, detail: string): Failure {
    return new Failure({
      code: 'run/damaged',
      what: `The file does not say what a run's file says (${detail}).`,
      where: this.path(name),
      cure: 'It was changed by hand or only partly copied; copy the run again or start a new one.',
    });
  }
}
