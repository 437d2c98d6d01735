/** The open image, what of it the model sees, and the masks that the base and the tuned model give for its prompts. */
import * as v from 'valibot';
import { create } from 'zustand';
import type { LabelPrompts } from '../../data/labels/types.ts';
import type {
  EmbedReport,
  FailureRecord,
  ImageRegion,
  ImageSource,
  OpenedImage,
  Prediction,
  PredictRequest,
  Variant,
} from '../../worker/protocol.ts';
import { CANCELLED } from '../../worker/protocol.ts';
import { regionFor } from '../canvas/region.ts';
import { promptsBefore, useEdit } from './edit-history.ts';
import { callEngine } from './engine-link.ts';
import { keepInTab } from './kept.ts';
import { Latest } from './latest.ts';
import { announce } from './notices.ts';
import { isUsable } from './run-status.ts';
import { useRuns } from './runs.ts';

export type Side = 'base' | 'tuned';

export interface Answer {
  readonly prediction: Prediction;
  /** The candidate that was chosen; its mask is also fed back with the next prompt. */
  readonly candidate: number;
}

/** Which mask of an answer is fed back with the next prompt. */
type MaskPrompt = NonNullable<PredictRequest['previous']>;

export interface SegmentState {
  readonly image: OpenedImage | null;
  readonly source: ImageSource | null;
  /** Whether the last mask is fed back with the next prompt. */
  readonly refine: boolean;
  /** Whether the model looks at what is visible when the image is zoomed in; else always at the whole image. */
  readonly closeUp: boolean;
  /** What is visible of the image; null where that is nearly all of it. */
  readonly visible: ImageRegion | null;
  readonly runId: string | null;
  /** The step of the chosen run's best weights; it changes as soon as the run improves. */
  readonly bestStep: number | null;
  /** Index of the dataset that a person says is meant, of those that the run tells apart; null: the nearest. */
  readonly dataset: number | null;
  readonly side: Side;
  /** By `answerKey`. Only the newest, since masks are as large as the image; missing ones are predicted again. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** By `answerKey`, for every answer so far. */
  readonly maskPrompts: Readonly<Record<string, MaskPrompt>>;
  /** By `variantKey`: encoding time and gates of what the model saw of this image last. */
  readonly embeddings: Readonly<Record<string, Embedding>>;
  /** What the model is doing for the image shown; null: nothing. */
  readonly busy: 'encoding' | 'predicting' | null;
  readonly failure: FailureRecord | null;
}

interface Embedding {
  readonly region: ImageRegion | null;
  readonly report: EmbedReport;
}

export const useSegment = create<SegmentState>()(() => ({
  image: null,
  source: null,
  refine: true,
  closeUp: true,
  visible: null,
  runId: null,
  bestStep: null,
  dataset: null,
  side: 'base',
  answers: {},
  maskPrompts: {},
  embeddings: {},
  busy: null,
  failure: null,
}));

keepInTab(useSegment, 'segment', {
  refine: v.boolean(),
  closeUp: v.boolean(),
  visible: v.nullable(v.tuple([v.number(), v.number(), v.number(), v.number()])),
  runId: v.nullable(v.string()),
  dataset: v.nullable(v.number()),
  side: v.picklist(['base', 'tuned']),
});

const set = useSegment.setState;
const get = useSegment.getState;
const latest = new Latest();
/**
 * Key in `latest` of all answers about the open image; opening another image or model makes pending ones out of date.
 */
const ANSWERS = 'answers';

export function selectVariant(state: SegmentState): Variant {
  return state.side === 'tuned' && state.runId !== null
    ? { kind: 'run', runId: state.runId, ...(state.dataset !== null && { dataset: state.dataset }) }
    : { kind: 'base' };
}

/** The variant with the dataset that the shown image is answered for, whoever chose it. */
export function selectAskedVariant(state: SegmentState): Variant {
  const variant = selectVariant(state);
  const dataset = selectEmbedding(state)?.asked?.index;
  return variant.kind === 'run' && dataset !== undefined ? { ...variant, dataset } : variant;
}

function answerTo(prompts: LabelPrompts, state: SegmentState): Answer | null {
  return state.answers[answerKey(variantKey(state), prompts.id)] ?? null;
}

/** The answer to the prompts that are shown, of the model that is shown; null until it is there. */
export const shownAnswer = (): Answer | null => answerTo(useEdit.getState().prompts, get());

/** The same for components. */
export function useShownAnswer(): Answer | null {
  const prompts = useEdit((state) => state.prompts);
  return useSegment((state) => answerTo(prompts, state));
}

export function selectEmbedding(state: SegmentState): EmbedReport | null {
  return state.embeddings[variantKey(state)]?.report ?? null;
}

/**
 * Names of the datasets that the run shown tells apart, once an image was seen by it; they stay while the image is encoded for
 * another of them. Null where it tells none apart.
 */
export function selectDatasetNames({ side, runId, embeddings }: SegmentState): readonly string[] | null {
  if (side === 'base' || runId === null) return null;
  const own = Object.entries(embeddings).filter(([key]) => key.startsWith(`run ${runId} `));
  return own.find(([, { report }]) => report.asked)?.[1].report.asked?.names ?? null;
}

/** What the model sees: where the prompts shown, or the next ones, are answered. */
function regionOf(state: SegmentState, shown: LabelPrompts): ImageRegion | null {
  const before = isEmpty(shown) ? undefined : shown.region;
  return state.image && regionFor(shown, before, visiblePart(state), state.image);
}

/** What is visible of the image, where the model may look at it alone. */
export const visiblePart = ({ closeUp, visible }: SegmentState): ImageRegion | null =>
  closeUp ? visible : null;

/** What the model sees: `key` names it and changes with it, `text` says it in words. */
export function useSeenRegion(): { readonly key: string; readonly text: string } {
  const prompts = useEdit((state) => state.prompts);
  const key = useSegment((state) => regionKey(regionOf(state, prompts)));
  const text = useSegment((state) => regionText(state, prompts));
  return { key, text };
}

export function regionText(state: SegmentState, prompts: LabelPrompts): string {
  const region = regionOf(state, prompts);
  if (!region) return 'The model sees the whole image.';
  const [x0, y0, x1, y1] = region;
  const size = `${x1 - x0} × ${y1 - y0} pixels`;
  return regionKey(region) === regionKey(visiblePart(state))
    ? `The model sees the visible part: ${size}.`
    : `The model sees ${size} around the prompts.`;
}

/** Whether the model has encoded what it sees, so that an answer is quick. */
export function hasEmbedding(): boolean {
  const state = get();
  const known = state.embeddings[variantKey(state)];
  const region = regionOf(state, useEdit.getState().prompts);
  return known !== undefined && regionKey(known.region) === regionKey(region);
}

export const chooseRefine = (refine: boolean): void => set({ refine });

/** Says what is visible of the open image. */
export function showRegion(visible: ImageRegion | null): void {
  if (regionKey(visible) !== regionKey(get().visible)) set({ visible });
}

/**
 * Puts another image in the place of the open one; pending answers about that one are out of date.
 * @param visible what is shown of it.
 */
export async function showImage(
  image: OpenedImage,
  source: ImageSource,
  visible: ImageRegion | null,
): Promise<void> {
  closeImage();
  set({ image, source, visible });
  announce(`${image.name} is open.`);
  await answerShown();
}

/** Closes the open image with all that is known of it. */
export function closeImage(): void {
  get().image?.bitmap.close();
  latest.replace(ANSWERS);
  forgetEmbedding();
  set({
    image: null,
    source: null,
    failure: null,
    visible: null,
    answers: {},
    maskPrompts: {},
    embeddings: {},
    busy: null,
  });
}

/** Loads the model while the person still looks for an image. Failures show when it is used. */
export async function prepareModel(): Promise<void> {
  await callEngine('segment.prepare', { variant: selectVariant(get()) });
}

export async function chooseRun(runId: string | null): Promise<void> {
  const run = useRuns.getState().runs.find(({ id }) => id === runId);
  set({
    runId,
    bestStep: run?.bestStep ?? null,
    dataset: null,
    side: runId === null ? 'base' : 'tuned',
    failure: null,
  });
  await answerShown();
}

// The chosen run may improve, which makes its answers out of date, or be deleted; of one from before a reload the model may be another.
useRuns.subscribe(({ runs, loaded }) => {
  const { runId, bestStep } = get();
  if (runId === null || !loaded) return;
  const run = runs.find(({ id }) => id === runId);
  if (!run || !isUsable(run)) void chooseRun(null);
  else if (run.bestStep !== bestStep) set({ bestStep: run.bestStep });
});

/** Says which of the datasets that the run tells apart is meant. */
export async function chooseDataset(dataset: number): Promise<void> {
  set({ dataset, failure: null });
  // An answer from before is shown at once.
  announceAnswer();
  await answerShown();
}

export async function chooseSide(side: Side): Promise<void> {
  if (side === 'tuned' && get().runId === null) return;
  set({ side });
  await answerShown();
}

export function chooseCandidate(candidate: number): void {
  const state = get();
  const key = answerKey(variantKey(state), useEdit.getState().prompts.id);
  const answer = state.answers[key];
  if (!answer || candidate >= answer.prediction.candidates.length) return;
  set(withAnswer(state, key, { ...answer, candidate }));
}

/**
 * Drops everything that was computed with another model, and answers the prompts again.
 * @param isOtherModel whether its weights are others, which the chosen run does not fit; else they see images otherwise.
 */
export async function clearAnswers(isOtherModel = true): Promise<void> {
  latest.replace(ANSWERS);
  forgetEmbedding();
  set({
    answers: {},
    maskPrompts: {},
    embeddings: {},
    ...(isOtherModel && { runId: null, bestStep: null, dataset: null, side: 'base' }),
  });
  await answerShown();
}

/** The embedding that is being made. */
let embedding: { readonly key: string; readonly controller: AbortController } | null = null;

/** The engine need not make an embedding that it has not begun. */
function forgetEmbedding(): void {
  embedding?.controller.abort();
  embedding = null;
}

/**
 * Encodes what the model sees of the image with the weights shown (which gives its gates), then answers the prompts
 * shown.
 */
export async function answerShown(): Promise<void> {
  const { image } = get();
  if (!image) return;
  const variant = selectVariant(get());
  const key = variantKey(get());
  const region = regionOf(get(), useEdit.getState().prompts);
  const known = get().embeddings[key];
  if (!known || regionKey(known.region) !== regionKey(region)) {
    const own = { key: `${key} · ${regionKey(region)}`, controller: new AbortController() };
    // Whoever asked for it answers the prompts when it is there.
    if (embedding?.key === own.key) return;
    forgetEmbedding();
    embedding = own;
    set({ busy: 'encoding', failure: null });
    const asked = latest.ask();
    const request = { imageId: image.imageId, variant, ...(region && { region }) };
    const result = await callEngine('segment.embed', request, { signal: own.controller.signal });
    if (!latest.isCurrent(ANSWERS, asked)) return;
    if (result.ok && latest.accept(`embedding ${key}`, asked))
      set((state) => ({ embeddings: { ...state.embeddings, [key]: { region, report: result.value } } }));
    // Other weights or another part are shown by now, which has started an answer of its own.
    if (embedding !== own) return;
    embedding = null;
    set({ busy: null });
    if (!result.ok) {
      if (result.error.code === CANCELLED) return;
      set({ failure: result.error });
      announce(result.error.what);
      return;
    }
  }
  await predictShown();
}

/** One prediction at a time; if the prompts change meanwhile, the newest are answered next. */
let predicting = false;

export async function predictShown(): Promise<void> {
  if (predicting) return;
  predicting = true;
  try {
    for (;;) {
      const state = get();
      const { image } = state;
      const key = variantKey(state);
      const { prompts } = useEdit.getState();
      if (!image || isEmpty(prompts) || state.answers[answerKey(key, prompts.id)]) return;
      set({ busy: 'predicting' });
      const request = { imageId: image.imageId, variant: selectVariant(state), key, serial: latest.ask() };
      const failure = await predictAt(request, prompts);
      if (!latest.isCurrent(ANSWERS, request.serial)) continue;
      // Weights that are no longer shown may have been deleted.
      if (failure && variantKey(get()) !== key) continue;
      if (failure) {
        set({ failure });
        announce(failure.what);
        return;
      }
      announceAnswer();
    }
  } finally {
    predicting = false;
    set({ busy: null });
  }
}

/** Says that the mask shown has come, and for which dataset, if the run tells them apart. */
function announceAnswer(): void {
  const shown = shownAnswer();
  const best = shown?.prediction.candidates[shown.candidate];
  const asked = selectEmbedding(get())?.asked;
  const as = asked ? ` as in ${asked.name}` : '';
  if (best) announce(`Mask found${as}, predicted IoU ${best.predictedIou.toFixed(2)}.`);
}

interface Asked {
  readonly imageId: string;
  readonly variant: Variant;
  /** See `variantKey`. */
  readonly key: string;
  /** Position in `latest`. */
  readonly serial: number;
}

/** Answers prompts, and before them those whose masks are fed back. Returns the failure, if any. */
async function predictAt(asked: Asked, prompts: LabelPrompts): Promise<FailureRecord | null> {
  if (isEmpty(prompts)) return null;
  let previous: MaskPrompt | null = null;
  const earlier = promptsBefore(prompts);
  // A box around the whole image, a first prompt, and one in another region start without an earlier mask.
  const refines =
    get().refine &&
    earlier !== undefined &&
    prompts.points.length > 0 &&
    !isEmpty(earlier) &&
    regionKey(earlier.region) === regionKey(prompts.region);
  if (refines) {
    const key = answerKey(asked.key, earlier.id);
    const failure = get().maskPrompts[key] ? null : await predictAt(asked, earlier);
    if (failure) return failure;
    previous = get().maskPrompts[key] ?? null;
  }
  const { imageId, variant } = asked;
  const { points, box, region } = prompts;
  const request = { imageId, variant, points, box, previous, ...(region && { region }) };
  const result = await callEngine('segment.predict', request);
  if (!result.ok) return result.error;
  if (!latest.isCurrent(ANSWERS, asked.serial)) return null;
  const key = answerKey(asked.key, prompts.id);
  // A repeated answer keeps the candidate that was chosen.
  set((state) =>
    withAnswer(state, key, { prediction: result.value, candidate: state.maskPrompts[key]?.candidate ?? 0 }),
  );
  return null;
}

/** Bytes of masks that are kept; the newest answer is kept whatever its size. */
const ANSWER_BYTES = 128 * 2 ** 20;

/** Adds or replaces an answer as the newest, and drops the oldest beyond ANSWER_BYTES. */
function withAnswer(
  { answers, maskPrompts }: Pick<SegmentState, 'answers' | 'maskPrompts'>,
  key: string,
  answer: Answer,
): Pick<SegmentState, 'answers' | 'maskPrompts'> {
  const { [key]: _, ...others } = answers;
  let room = ANSWER_BYTES - maskBytes(answer);
  const kept = Object.entries(others)
    .reverse()
    .filter(([, other]) => {
      room -= maskBytes(other);
      return room >= 0;
    });
  const { predictionId } = answer.prediction;
  return {
    answers: Object.fromEntries([...kept.reverse(), [key, answer]]),
    maskPrompts: { ...maskPrompts, [key]: { predictionId, candidate: answer.candidate } },
  };
}

function maskBytes({ prediction }: Answer): number {
  return prediction.candidates.reduce((sum, { mask }) => sum + mask.byteLength, 0);
}

export const regionKey = (region: ImageRegion | null): string => region?.join(' ') ?? 'whole';

export function isEmpty(prompts: LabelPrompts): boolean {
  return prompts.points.length === 0 && prompts.box === null;
}

/** Identifies the weights that are shown. */
function variantKey({
  side,
  runId,
  bestStep,
  dataset,
}: Pick<SegmentState, 'side' | 'runId' | 'bestStep' | 'dataset'>): string {
  return side === 'tuned' && runId !== null ? `run ${runId} ${bestStep} ${dataset ?? 'nearest'}` : 'base';
}

function answerKey(variant: string, promptId: number): string {
  return `${variant} · ${promptId}`;
}
