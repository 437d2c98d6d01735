/** What all calls share: the storage, the device with its queue, and the model that is open. */
import { Failure, type FailureRecord } from '../config/failure.ts';
import type { ModelChoices } from '../config/model-choices.ts';
import { familyOf } from '../config/sam.ts';
import type { FileStore } from '../data/file-store.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { EMBEDDED_VIEW, type ModelView } from '../data/object-sizes.ts';
import { OpfsStore } from '../data/opfs-store.ts';
import { HUB } from '../engine/catalogue/catalogue.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import { chooseKernels } from '../engine/kernel-choice.ts';
import { type OpenModel, type OpenModelOptions, openModel } from '../engine/model.ts';
import { Segmenter } from '../engine/segmenter.ts';
import { shaderSources } from '../gpu/bundled-shaders.ts';
import { Gpu } from '../gpu/gpu.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import { sitesOf } from '../sam/encoder.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { namingStore } from './full-storage.ts';
import { gpuReport } from './gpu-report.ts';
import { encodeThumbnail } from './images.ts';
import { type StoredChange, tellingStore } from './other-tabs.ts';
import type { EngineEvent, GpuReport, ModelInfo } from './protocol.ts';

/** Where a model came from, so that it can be opened again on another device. */
export interface ModelOrigin {
  readonly source: ModelInfo['source'];
  readonly embeddedId: string | null;
  readonly catalogueId: string | null;
  readonly name: string;
  readonly licence: string;
  readonly files: (options: OpenModelOptions) => Promise<readonly ByteSource[]>;
  /** What a person decided of it; nothing without. */
  readonly choices?: ModelChoices;
}

export interface CurrentModel {
  readonly open: OpenModel;
  readonly info: ModelInfo;
  readonly origin: ModelOrigin;
  readonly segmenter: Segmenter;
}

export class EngineState {
  readonly queue = new GpuQueue();
  readonly datasets: DatasetRepository;
  /** Set by `boot`; address of the embedded models. */
  modelBaseUrl = '';
  /** Set by `boot`; address of the catalogue's hub or of its mirror. */
  modelHub = HUB;
  private gpu: Gpu | null = null;
  private current: CurrentModel | null = null;
  /** Whether the device was lost and no new one was opened. */
  private lost = false;
  /** Where the model came from that a lost device took along; null once a model is open again. */
  private toReopen: ModelOrigin | null = null;
  private recovering: Promise<GpuReport> | null = null;
  private readonly beforeModelChange: (() => Promise<void>)[] = [];
  private readonly beforeRelease: (() => Promise<void>)[] = [];

  private constructor(
    readonly store: FileStore,
    /** Why the storage is memory only; null when the browser keeps it. */
    readonly storageFailure: FailureRecord | null,
    readonly emit: (event: EngineEvent) => void,
  ) {
    this.datasets = new DatasetRepository(store, encodeThumbnail, () => this.modelView);
  }

  /** Opens the browser's storage; where it gives none, works in memory and says so in {@link storageFailure}. */
  static async open(emit: (event: EngineEvent) => void): Promise<EngineState> {
    let store: FileStore;
    let failure: FailureRecord | null = null;
    let others: BroadcastChannel | null = null;
    try {
      const opfs = namingStore(await OpfsStore.open());
      const channel = new BroadcastChannel('mopeft-studio');
      store = tellingStore(opfs, (change) => channel.postMessage(change));
      others = channel;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      store = new MemoryStore();
      failure = error.record;
    }
    const state = new EngineState(store, failure, emit);
    others?.addEventListener('message', ({ data: { kind, id } }: MessageEvent<StoredChange>) => {
      if (kind === 'datasets') state.datasets.forget(id);
      emit({ type: 'elsewhere', kind });
    });
    return state;
  }

  /** Asks for the adapter and follows it; a failure is part of the report. */
  async openGpu(): Promise<GpuReport> {
    try {
      const gpu = await Gpu.open(navigator.gpu, shaderSources);
      await chooseKernels(gpu, this.store);
      this.gpu = gpu;
      this.lost = false;
      void gpu.lost.then((info) => this.lose(gpu, info.message));
      return gpuReport(gpu);
    } catch (error) {
      if (error instanceof Failure) return { state: 'missing', error: error.record };
      throw error;
    }
  }

  /** Why the device is gone, or null while it is there. Waits a moment, since a call may fail before the loss is reported. */
  async deviceWasLost(): Promise<FailureRecord | null> {
    if (this.gpu) {
      const patience = new Promise<void>((resolve) => setTimeout(resolve, LOSS_REPORT_DELAY));
      await Promise.race([this.gpu.lost, patience]);
    }
    return this.lost ? LOST : null;
  }

  /** @throws Failure `gpu/missing`, `gpu/lost`. */
  needGpu(): Gpu {
    if (this.gpu) return this.gpu;
    if (this.lost) throw new Failure(LOST);
    throw new Failure({
      code: 'gpu/missing',
      what: 'There is no graphics device to compute on.',
      cure: 'Open the studio in a browser with WebGPU; datasets can be viewed without.',
    });
  }

  /** Hash of the open model; null while none is. */
  get openModelHash(): string | null {
    return this.current?.open.hash ?? null;
  }

  /** @throws Failure `gpu/…`, `model/none`. */
  needModel(): CurrentModel {
    this.needGpu();
    if (this.current) return this.current;
    throw new Failure({
      code: 'model/none',
      what: 'No model is open.',
      cure: 'Choose the embedded model, or drop the weights of a SAM on the page.',
    });
  }

  /** The open model, if any. */
  get model(): CurrentModel | null {
    return this.current;
  }

  /** How the open model sees images; the embedded model's view where none is open. */
  get modelView(): ModelView {
    if (!this.current) return EMBEDDED_VIEW;
    const { imageSize, preprocessing } = this.current.open.config;
    return { size: imageSize, aspect: preprocessing.aspect };
  }

  /** Work that ends long uses of a model which was replaced, before its weights are released. */
  onModelChange(work: () => Promise<void>): void {
    this.beforeModelChange.push(work);
  }

  /** Work that ends uses of a model's weights beside those of its segmenter, before they are released for whatever reason. */
  onRelease(work: () => Promise<void>): void {
    this.beforeRelease.push(work);
  }

  /** Opens a model in place of the one that is open; when it cannot be opened, the old one stays. */
  async openModel(origin: ModelOrigin, options: OpenModelOptions = {}): Promise<ModelInfo> {
    const gpu = this.needGpu();
    const files = await origin.files(options);
    const { name, choices = {} } = origin;
    const open = await openModel(gpu, files, { ...options, name, choices });
    const old = this.current;
    const next = {
      open,
      origin,
      info: infoOf(open, origin),
      segmenter: new Segmenter(gpu, this.queue, open),
    };
    // First, so that whatever begins from now on uses the new model while the uses of the old one are ended.
    this.current = next;
    try {
      for (const work of this.beforeModelChange) await work();
    } catch (error) {
      if (this.current === next) this.current = old;
      await releaseModel(next);
      throw error;
    }
    this.toReopen = null;
    if (old) await this.replaceModel(old);
    return next.info;
  }

  /**
   * Stores the open model's weights with another precision: reads its files again. What is encoded and answered is forgotten,
   * and runs go on undisturbed, so none may use the weights meanwhile.
   * @throws Failure as {@link openModel}, `model/replaced`; the weights stay as they are then.
   */
  async storeWeights(
    precision: WeightPrecision,
    onProgress?: OpenModelOptions['onProgress'],
  ): Promise<CurrentModel> {
    const old = this.needModel();
    if (old.open.precision === precision) return old;
    const gpu = this.needGpu();
    const { origin, info } = old;
    const options = { precision, ...(onProgress && { onProgress }) };
    const files = await origin.files(options);
    const open = await openModel(gpu, files, {
      ...options,
      name: origin.name,
      choices: origin.choices ?? {},
    });
    if (this.current !== old || open.hash !== old.open.hash) {
      open.weights.release();
      throw new Failure({
        code: 'model/replaced',
        what: 'Another model was opened in the meantime.',
        cure: 'Open the model that is wanted, and start again.',
      });
    }
    const next = { open, origin, info, segmenter: new Segmenter(gpu, this.queue, open) };
    this.current = next;
    await this.replaceModel(old);
    return next;
  }

  private async replaceModel(old: CurrentModel): Promise<void> {
    for (const work of this.beforeRelease) await work();
    await releaseModel(old);
  }

  /**
   * After a lost device: opens a new one, with the model that was open. When either fails, it can be asked for again. Calls
   * at the same time share one device.
   */
  recover(): Promise<GpuReport> {
    this.recovering ??= this.recoverOnce().finally(() => {
      this.recovering = null;
    });
    return this.recovering;
  }

  private async recoverOnce(): Promise<GpuReport> {
    if (!this.gpu && this.current) {
      // What lived on the lost device is gone with it.
      this.toReopen = this.current.origin;
      this.current = null;
    }
    const report = this.gpu ? gpuReport(this.gpu) : await this.openGpu();
    if (report.state === 'ready' && this.toReopen) await this.openModel(this.toReopen);
    return report;
  }

  private lose(gpu: Gpu, message: string): void {
    if (this.gpu !== gpu) return;
    this.gpu = null;
    this.lost = true;
    const what = message ? `${LOST.what} (${message})` : LOST.what;
    this.emit({ type: 'device-lost', error: { ...LOST, what } });
  }
}

/** Waits for the uses of a model that were asked for before, and gives its memory back. */
async function releaseModel({ segmenter, open }: CurrentModel): Promise<void> {
  await segmenter.release();
  open.weights.release();
}

/** Milliseconds. */
const LOSS_REPORT_DELAY = 300;
const LOST = {
  code: 'gpu/lost',
  what: 'The graphics device was lost: the driver was reset, or the computer slept.',
  cure: 'Ask for a new device; datasets and the last checkpoint are kept, and a run resumes from it.',
} as const;

function infoOf(open: OpenModel, origin: ModelOrigin): ModelInfo {
  const { config } = open;
  const widths = sitesOf(config).map(({ width }) => width);
  return {
    hash: open.hash,
    name: open.name,
    source: origin.source,
    embeddedId: origin.embeddedId,
    catalogueId: origin.catalogueId,
    parameterCount: open.parameterCount,
    imageSize: config.imageSize,
    blockCount: widths.length,
    blockWidths: [Math.min(...widths), Math.max(...widths)],
    bytes: open.fileBytes,
    licence: origin.licence,
    family: `${familyOf(config)} (${config.encoder.kind})`,
    preprocessing: config.preprocessing,
    decoderHeads: config.decoder.numHeads,
    remarks: open.remarks,
    leftAlone: open.unused,
  };
}
