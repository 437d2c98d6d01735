/** The images that are open in Segment and what was answered about them. */

import { Failure } from '../config/failure.ts';
import { Lru } from '../data/lru.ts';
import { openSingleImage } from '../data/single-image.ts';
import type { RgbImage } from '../data/types.ts';
import {
  type AskedDataset,
  type DatasetChoice,
  datasetsOf,
  nearestDataset,
} from '../engine/asked-dataset.ts';
import {
  askingFor,
  BASE_WEIGHTS,
  type DecodedCandidate,
  type ImageFrame,
  SegmentImage,
  type VariantWeights,
} from '../engine/segmenter.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import type { CurrentModel, EngineState } from './engine-state.ts';
import { inputFile } from './input-file.ts';
import type { MaskToKeep } from './kept-mask-repository.ts';
import type {
  DemoVariant,
  EmbedReport,
  EmbedRequest,
  ImageRegion,
  ImageSource,
  Prediction,
  PredictRequest,
  Variant,
} from './protocol.ts';

/** Where what is opened as an image, and is none by itself, is read. */
const ELSEWHERE = {
  model: 'Drop it on the page.',
  dataset: 'Drop it on the Data page, and open its images from there.',
  masks: 'Drop it on the Data page together with its image.',
};

/** What a run brings to Segment. */
export interface NamedWeights {
  readonly name: string;
  readonly weights: VariantWeights;
}

interface OpenImage {
  readonly id: string;
  readonly name: string;
  readonly image: RgbImage;
  readonly segmentImage: SegmentImage;
}

/** An answer; holds nothing as large as an image. */
interface Answered {
  readonly imageName: string;
  readonly frame: ImageFrame;
  readonly label: string;
  readonly weights: VariantWeights;
  /** {@link answerer} */
  readonly model: string;
  readonly candidates: readonly Pick<DecodedCandidate, 'lowRes' | 'token'>[];
}

const OPEN_BYTES = 256 * 2 ** 20;
const PREDICTIONS = 128;
/** Regions whose input for the model is kept. */
const REGIONS = 8;
const NEAREST = 64;

export class SegmentationService {
  private readonly opened = new Lru<OpenImage>(OPEN_BYTES, ({ image }) => image.data.byteLength);
  private readonly answered = new Lru<Answered>(PREDICTIONS, () => 1);
  private readonly regions = new Lru<SegmentImage>(REGIONS, () => 1);
  /** Which dataset an image is most like, by the weights and the image. */
  private readonly nearest = new Lru<Promise<AskedDataset | null>>(NEAREST, () => 1);
  /** What runs say of themselves, by the key of their weights. */
  private readonly records = new Lru<Promise<Pick<Adapter, 'mopeft' | 'training'>>>(NEAREST, () => 1);
  private serial = 0;

  /**
   * @param runWeights a run's weights by its id; fails when the run does not fit the open model.
   * @param shippedWeights those that the site brings along for the embedded model.
   */
  constructor(
    private readonly state: EngineState,
    private readonly runWeights: (runId: string) => Promise<NamedWeights>,
    private readonly shippedWeights: () => NamedWeights,
  ) {}

  async open(source: ImageSource): Promise<OpenImage> {
    const { name, image } = await this.read(source);
    return this.openPixels(name, image);
  }

  /** Opens an image that is at hand. */
  openPixels(name: string, image: RgbImage): OpenImage {
    const id = `image-${++this.serial}`;
    const opened = { id, name, image, segmentImage: new SegmentImage(id, image) };
    this.opened.set(opened.id, opened);
    return opened;
  }

  /** The pixels of an open image. @throws Failure `segment/no-image`. */
  pixels(imageId: string): RgbImage {
    return this.image(imageId).image;
  }

  async prepare(variant: Variant): Promise<void> {
    const { segmenter } = this.state.needModel();
    await segmenter.prepare((await this.weightsOf(variant)).weights);
  }

  /** Rejects with the signal's reason where the encoding had not begun. */
  async embed({ imageId, variant, region }: EmbedRequest, signal?: AbortSignal): Promise<EmbedReport> {
    const { segmenter } = this.state.needModel();
    const opened = this.image(imageId);
    const { weights, asked } = await this.weightsFor(variant, opened);
    const report = await segmenter.embed(this.seen(opened, region), weights, signal);
    return asked ? { ...report, asked } : report;
  }

  async predict(request: PredictRequest): Promise<Prediction> {
    const start = performance.now();
    const { segmenter, open } = this.state.needModel();
    const opened = this.image(request.imageId);
    const { name, weights } = await this.weightsFor(request.variant, opened);
    const { points, box, previous } = request;
    if (points.length === 0 && !box) {
      throw new Failure({
        code: 'segment/no-prompt',
        what: 'There is neither a click nor a box to answer.',
        cure: 'Click on the object, or draw a box around it.',
      });
    }
    const seen = this.seen(opened, request.region);
    const candidates = await segmenter.predict(seen, weights, {
      points,
      box,
      previous: previous && this.previous(answerer(open), seen.frame, previous),
    });
    const predictionId = `prediction-${++this.serial}`;
    const isPreview = request.isPreview ?? false;
    if (!isPreview) {
      this.answered.set(predictionId, {
        imageName: opened.name,
        frame: seen.frame,
        label: name,
        weights,
        model: answerer(open),
        candidates: candidates.map(({ lowRes, token }) => ({ lowRes, token })),
      });
    }
    return {
      predictionId,
      candidates: candidates
        .slice(0, isPreview ? 1 : undefined)
        .map(({ mask, predictedIou, token, area }) => ({
          mask,
          predictedIou,
          token,
          area,
        })),
      milliseconds: performance.now() - start,
    };
  }

  /** The mask of a candidate at its image's size, the same as the prediction gave. */
  async mask(predictionId: string, candidate: number): Promise<MaskToKeep> {
    const answered = this.answered.get(predictionId);
    const chosen = answered?.candidates[candidate];
    if (!answered || !chosen) throw forgotten();
    const { imageName, frame, label, weights, model } = answered;
    const { segmenter, open } = this.state.needModel();
    if (model !== answerer(open)) throw forgotten();
    const mask = await segmenter.upscale(frame, weights, chosen.lowRes);
    return { imageName, variantLabel: label, ...frame.size, mask };
  }

  private async read(source: ImageSource): Promise<{ readonly name: string; readonly image: RgbImage }> {
    switch (source.kind) {
      case 'sample': {
        const { name, image } = await this.state.datasets.sample(source.datasetId, source.sampleId);
        return { name, image };
      }
      case 'file':
        return {
          name: source.file.name,
          image: await openSingleImage(inputFile({ path: source.file.name, file: source.file }), ELSEWHERE),
        };
    }
  }

  private image(imageId: string): OpenImage {
    const opened = this.opened.get(imageId);
    if (opened) return opened;
    throw new Failure({
      code: 'segment/no-image',
      what: 'The image is no longer open.',
      cure: 'Open it again.',
    });
  }

  /**
   * What the model sees of an image.
   * @throws Failure `segment/region` when the region is not whole pixels inside of the image.
   */
  private seen({ id, image, segmentImage }: OpenImage, region: ImageRegion | undefined): SegmentImage {
    if (!region) return segmentImage;
    const [x0, y0, x1, y1] = region;
    if (segmentImage.frame.region.every((edge, i) => edge === region[i])) return segmentImage;
    const isWithin = x0 >= 0 && y0 >= 0 && x1 > x0 && y1 > y0 && x1 <= image.width && y1 <= image.height;
    if (!isWithin || !region.every(Number.isInteger)) {
      throw new Failure({
        code: 'segment/region',
        what: `The region ${region.join(', ')} is not whole pixels inside of the image of ${image.width} × ${image.height} pixels.`,
        cure: 'Zoom out until some of the image is in view.',
      });
    }
    const key = `${id} ${region.join(' ')}`;
    const seen = this.regions.get(key) ?? new SegmentImage(id, image, region);
    this.regions.set(key, seen);
    return seen;
  }

  async weightsOf(variant: DemoVariant): Promise<NamedWeights> {
    switch (variant.kind) {
      case 'base':
        return { name: 'base', weights: BASE_WEIGHTS };
      case 'run':
        return this.runWeights(variant.runId);
      case 'shipped':
        return this.shippedWeights();
    }
  }

  /** {@link weightsOf} as they answer for the dataset that is meant in an image. */
  private async weightsFor(
    variant: DemoVariant,
    image: OpenImage,
  ): Promise<NamedWeights & { readonly asked?: DatasetChoice }> {
    const { name, weights } = await this.weightsOf(variant);
    const { tuning } = weights;
    if (variant.kind !== 'run' || !tuning) return { name, weights };
    const record = await remembered(this.records, weights.key, async () => {
      const { mopeft, training = {} } = await tuning();
      return { mopeft, training };
    });
    const names = datasetsOf(record);
    if (names.length < 2) return { name, weights };
    const { segmenter } = this.state.needModel();
    const found = await remembered(this.nearest, `${weights.key} ${image.id}`, () =>
      nearestDataset(record, () => segmenter.feature(image.segmentImage)),
    );
    if (!found) return { name, weights };
    const { dataset: index = found.index } = variant;
    const own = names[index];
    const asked: DatasetChoice =
      variant.dataset === undefined || own === undefined
        ? { ...found, names }
        : { index, name: own, by: 'name', names };
    return { name, weights: askingFor(weights, asked.index), asked };
  }

  private previous(
    model: string,
    frame: ImageFrame,
    { predictionId, candidate }: NonNullable<PredictRequest['previous']>,
  ): Float32Array | null {
    const answered = this.answered.get(predictionId);
    // An answer of another model or region does not fit this one; the prompt is then answered without it.
    return answered?.model === model && answered.frame.id === frame.id
      ? (answered.candidates[candidate]?.lowRes ?? null)
      : null;
  }
}

/** What is made for a key, once; what fails is made again. */
function remembered<T>(known: Lru<Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const there = known.get(key);
  if (there) return there;
  const made = make();
  made.catch(() => known.delete(key));
  known.set(key, made);
  return made;
}

/** Names what answers: a model whose weights were stored anew gives the same answers, one with another preprocessing does not. */
const answerer = ({ hash, config }: CurrentModel['open']): string =>
  JSON.stringify([hash, config.preprocessing]);

function forgotten(): Failure {
  return new Failure({
    code: 'segment/forgotten',
    what: 'This answer is too old: another model was opened, or many answers came since.',
    cure: 'Click again, then take the mask.',
  });
}
