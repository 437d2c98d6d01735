import type { SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { sitesOf } from '../sam/encoder.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import type { SamModel } from '../sam/weights.ts';
import {
  type DecodedObject,
  type GateLayer,
  splitObjects,
  type ThresholdedSegmenter,
} from '../train/segmenter.ts';
import { ModelSession, type Tuning } from './tuning.ts';

/** A base or tuned model as evaluation asks it: what training's own step is, without training's memory. */
export class SessionSegmenter implements ThresholdedSegmenter {
  private drawn: readonly GateLayer[] = [];

  constructor(private readonly session: ModelSession) {}

  /** @param tuning null for the base model. */
  static async open(gpu: Gpu, model: SamModel, tuning: Tuning | null): Promise<SessionSegmenter> {
    return new SessionSegmenter(await ModelSession.open(gpu, model, tuning));
  }

  get sam(): SamConfig {
    const { sam, preprocessing } = this.session;
    return { ...sam.config, preprocessing };
  }

  get maskThreshold(): number {
    return this.session.maskThreshold;
  }

  async encode(input: Float32Array): Promise<void> {
    this.drawn = (await this.session.encode(input)) ?? this.ungated();
  }

  async gates(): Promise<GateLayer[]> {
    return [...this.drawn];
  }

  async decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]> {
    const { lowResMasks, iou } = await this.session.sam.decodeAll(prompts);
    return splitObjects(lowResMasks, iou);
  }

  release(): Promise<void> {
    return this.session.release();
  }

  /** A module without a gate acts with full strength. */
  private ungated(): GateLayer[] {
    const layers: Record<string, number>[] = sitesOf(this.session.sam.config).map(() => ({}));
    for (const { method, block } of this.session.modules) {
      const layer = layers[block];
      if (layer) layer[method.id] = 1;
    }
    return layers;
  }
}
