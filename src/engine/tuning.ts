/** A run's weights as a model that answers: the base with modules, and with another mask decoder where that was trained. */
import type { MopeftConfig } from '../config/mopeft.ts';
import type { PreprocessingRecord, SamConfig } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { attachModules } from '../peft/build.ts';
import { datasetToken } from '../peft/dataset-token.ts';
import { DATASET_INPUT, datasetCount, datasetRows } from '../peft/datasets.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { planSession } from '../sam/executable-cache.ts';
import { encodeGraph, type SlotsOf } from '../sam/graphs.ts';
import { SamSession } from '../sam/session.ts';
import { graphInputs } from '../sam/weight-source.ts';
import type { SamModel } from '../sam/weights.ts';
import { type GateLayer, gateLayers } from '../train/gates.ts';
import { SAM_MASK_THRESHOLD } from '../train/mask-threshold.ts';

/** What an adapter brings to its base model. */
export interface Tuning {
  readonly mopeft: MopeftConfig;
  /** Trained tensors by name. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** How images were prepared for it. */
  readonly preprocessing: PreprocessingRecord;
  /** The logit above which a pixel belongs to its masks. */
  readonly maskThreshold: number;
  /** Index of the dataset that is meant at first, where it tells datasets apart; default: the first. */
  readonly dataset?: number;
  /** What was recorded about the training. */
  readonly training?: Readonly<Record<string, unknown>>;
}

/** The modules of a tuned model, as they answer. */
function slotsOf({ mopeft }: Pick<Tuning, 'mopeft'>): SlotsOf {
  return (graph) => attachModules(graph, mopeft, graphInputs(graph), 'evaluation').slots;
}

/** Dispatches that encoding an image takes with a tuned model. */
export function encoderDispatches(
  gpu: Pick<Gpu, 'traits'>,
  sam: SamConfig,
  tuning: Pick<Tuning, 'mopeft'>,
): number {
  return planSession(encodeGraph(sam, slotsOf(tuning)), gpu).passes.length;
}

/** A session for base or tuned weights, with the buffers that belong to it alone. */
export class ModelSession {
  private constructor(
    readonly sam: SamSession,
    private readonly gpu: Gpu,
    private readonly mopeft: MopeftConfig | null,
    /** How images are to be prepared for {@link encode}. */
    readonly preprocessing: PreprocessingRecord,
    /** The logit above which a pixel belongs to a mask. */
    readonly maskThreshold: number,
    private readonly own: readonly BufferRange[],
  ) {}

  /** @param tuning null for the base model. */
  static async open(gpu: Gpu, model: SamModel, tuning: Tuning | null): Promise<ModelSession> {
    if (!tuning) {
      const sam = await SamSession.open(gpu, model);
      return new ModelSession(sam, gpu, null, model.config.preprocessing, SAM_MASK_THRESHOLD, []);
    }
    const tensors = new Map<string, BufferRange>();
    for (const [name, { data }] of tuning.tensors) tensors.set(name, gpu.upload(data, `tuned ${name}`));
    const datasets = datasetCount(tuning.mopeft);
    if (datasets > 0)
      tensors.set(DATASET_INPUT, gpu.upload(datasetRows([tuning.dataset ?? 0], datasets), DATASET_INPUT));
    const own = [...tensors.values()];
    try {
      const sam = await SamSession.open(gpu, model, {
        tensors,
        slots: slotsOf(tuning),
        token: datasetToken(tuning.mopeft),
      });
      const { mopeft, preprocessing, maskThreshold } = tuning;
      return new ModelSession(sam, gpu, mopeft, preprocessing, maskThreshold, own);
    } catch (error) {
      for (const { buffer } of own) gpu.release(buffer);
      throw error;
    }
  }

  /**
   * Says which dataset is meant from now on, by its index in the config. An image that was encoded
   * before may have to be encoded again. Changes nothing in a model that does not tell them apart.
   */
  ask(dataset: number): void {
    const count = this.mopeft ? datasetCount(this.mopeft) : 0;
    if (count > 0) this.sam.writeInput(DATASET_INPUT, datasetRows([dataset], count));
  }

  /** Whether the encoder has gates. */
  get isGated(): boolean {
    const { mopeft } = this;
    return mopeft !== null && mopeft.blocks.length > 0 && gateFormById(mopeft.gate).varies !== 'never';
  }

  /** Encodes an image [3, S, S] and gives its gates, an entry for each block; see {@link gateLayers}. */
  async encode(input: Float32Array): Promise<GateLayer[]> {
    return gateLayers(this.sam.config, this.mopeft, await this.sam.encode(input));
  }

  async release(): Promise<void> {
    await this.sam.release();
    for (const { buffer } of this.own) this.gpu.release(buffer);
  }
}
