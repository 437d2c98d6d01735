import type { SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import type { SamModel } from '../sam/weights.ts';
import type { GateLayer } from '../train/gates.ts';
import { type DecodedObject, splitObjects, type ThresholdedMaskPredictor } from '../train/mask-predictor.ts';
import { ModelSession, type Tuning } from './tuning.ts';

/** A base or tuned model for evaluation: predicts as a training step does, without the memory of training. */
export class SessionPredictor implements ThresholdedMaskPredictor {
  private encodedGates: readonly GateLayer[] = [];

  /** @param datasetOf gives the model's own index of a dataset of the run that asks. */
  constructor(
    private readonly session: ModelSession,
    private readonly datasetOf: (index: number) => number = (index) => index,
  ) {}

  /** @param tuning null for the base model. */
  static async open(
    gpu: Gpu,
    model: SamModel,
    tuning: Tuning | null,
    datasetOf?: (index: number) => number,
  ): Promise<SessionPredictor> {
    return new SessionPredictor(await ModelSession.open(gpu, model, tuning), datasetOf);
  }

  /** Has compiled what measuring runs, so that the device is not held meanwhile; see {@link SamSession.compile}. */
  compile(onDone?: (done: number, total: number) => void): Promise<void> {
    return this.session.sam.compile(onDone);
  }

  get sam(): SamConfig {
    const { sam, preprocessing } = this.session;
    return { ...sam.config, preprocessing };
  }

  get maskThreshold(): number {
    return this.session.maskThreshold;
  }

  ask(dataset: number): void {
    this.session.ask(this.datasetOf(dataset));
  }

  async encode(input: Float32Array): Promise<void> {
    this.encodedGates = await this.session.encode(input);
  }

  async gates(): Promise<GateLayer[]> {
    return [...this.encodedGates];
  }

  async decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]> {
    const { lowResMasks, iou } = await this.session.sam.decodeAll(prompts);
    return splitObjects(lowResMasks, iou);
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
