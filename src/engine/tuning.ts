/** A run's weights as a model that answers: the base with modules, and with another mask decoder where that was trained. */
import type { MopeftConfig } from '../config/mopeft.ts';
import type { PreprocessingRecord } from '../config/sam.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { gateOutput, mopeftSlots } from '../peft/build.ts';
import { type Module, modulesOf } from '../peft/modules.ts';
import type { HostTensor } from '../sam/checkpoint/safetensors.ts';
import { sitesOf } from '../sam/encoder.ts';
import { SamSession } from '../sam/session.ts';
import { graphInputs } from '../sam/weight-source.ts';
import type { SamModel } from '../sam/weights.ts';
import { SAM_MASK_THRESHOLD } from '../train/mask-threshold.ts';
import type { GateLayer } from '../train/segmenter.ts';

/** What an adapter brings to its base model. */
export interface Tuning {
  readonly mopeft: MopeftConfig;
  /** Trained tensors by name. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** How images were prepared for it. */
  readonly preprocessing: PreprocessingRecord;
  /** The logit above which a pixel belongs to its masks. */
  readonly maskThreshold: number;
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
    const own = [...tensors.values()];
    try {
      const sam = await SamSession.open(gpu, model, {
        tensors,
        slots: (graph) => mopeftSlots(graph, tuning.mopeft, graphInputs(graph)),
      });
      const { mopeft, preprocessing, maskThreshold } = tuning;
      return new ModelSession(sam, gpu, mopeft, preprocessing, maskThreshold, own);
    } catch (error) {
      for (const { buffer } of own) gpu.release(buffer);
      throw error;
    }
  }

  /** Modules in the encoder; none in the base model. */
  get modules(): readonly Module[] {
    return this.mopeft ? modulesOf(this.mopeft) : [];
  }

  /**
   * Encodes an image [3, S, S].
   * @returns the gates that it drew, an entry for each block; null when nothing is gated.
   */
  async encode(input: Float32Array): Promise<GateLayer[] | null> {
    const outputs = await this.sam.encode(input);
    const { mopeft } = this;
    if (!mopeft || mopeft.gate === 'none' || mopeft.blocks.length === 0) return null;
    const layers: Record<string, number>[] = sitesOf(this.sam.config).map(() => ({}));
    for (const { method, block } of this.modules) {
      const layer = layers[block];
      const value = outputs.get(gateOutput(block, method.id))?.[0];
      if (layer && value !== undefined) layer[method.id] = value;
    }
    return layers;
  }

  async release(): Promise<void> {
    await this.sam.release();
    for (const { buffer } of this.own) this.gpu.release(buffer);
  }
}
