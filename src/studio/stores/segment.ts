/** The open image, its prompts with undo and redo, and the masks that the base and the tuned model give for them. */
import { create } from 'zustand';
import type {
  EmbedReport,
  FailureRecord,
  ImageBox,
  ImagePoint,
  ImageRegion,
  ImageSource,
  KeptMask,
  OpenedImage,
  Prediction,
  PredictRequest,
  Variant,
} from '../../worker/protocol.ts';
import { CANCELLED } from '../../worker/protocol.ts';
import { regionFor } from '../canvas/region.ts';
import { callEngine } from './engine-link.ts';
import { saveFile } from './files.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { useRuns } from './runs.ts';
import { refreshStorage } from './session.ts';

/** One state of the prompts; its id is part of its answers' keys. */
export interface PromptState {
  readonly id: number;
  readonly points: readonly ImagePoint[];
  readonly box: ImageBox | null;
  /** What of the image the model sees to answer them; null: all of it. */
  readonly region: ImageRegion | null;
}

export type Side = 'base' | 'tuned';
export type ToolName = 'click' | 'box' | 'pan';

export interface Answer {
  readonly prediction: Prediction;
  /** The candidate that was chosen; its mask is also fed back with the next prompt. */
  readonly candidate: number;
}

/** Which mask of an answer is fed back with the next prompt. */
type MaskPrompt = NonNullable<PredictRequest['previous']>;

interface SegmentState {
  readonly image: OpenedImage | null;
  readonly source: ImageSource | null;
  readonly opening: boolean;
  readonly tool: ToolName;
  /** The sign of a plain click. */
  readonly positive: boolean;
  /** Whether the last mask is fed back with the next prompt. */
  readonly refine: boolean;
  /** Whether the model looks at what is visible when the image is zoomed in; else always at the whole image. */
  readonly closeUp: boolean;
  /** What is visible of the image; null where that is nearly all of it. */
  readonly visible: ImageRegion | null;
  /** Every state since the image was opened; the one at `historyIndex` is shown. */
  readonly promptHistory: readonly PromptState[];
  readonly historyIndex: number;
  readonly runId: string | null;
  /** The step of the chosen run's best weights; it changes as soon as the run improves. */
  readonly bestStep: number | null;
  readonly side: Side;
  /** By `answerKey`. Only the newest, since masks are as large as the image; missing ones are predicted again. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** By `answerKey`, for every answer so far. */
  readonly maskPrompts: Readonly<Record<string, MaskPrompt>>;
  /** By `variantKey`: encoding time and gates of what the model saw of this image last. */
  readonly embeddings: Readonly<Record<string, Embedding>>;
  readonly busy: boolean;
  readonly failure: FailureRecord | null;
  readonly kept: readonly KeptMask[];
}

interface Embedding {
  readonly region: ImageRegion | null;
  readonly report: EmbedReport;
}

const START: PromptState = { id: 0, points: [], box: null, region: null };

export const useSegment = create<SegmentState>()(() => ({
  image: null,
  source: null,
  opening: false,
  tool: 'click',
  positive: true,
  refine: true,
  closeUp: true,
  visible: null,
  promptHistory: [START],
  historyIndex: 0,
  runId: null,
  bestStep: null,
  side: 'base',
  answers: {},
  maskPrompts: {},
  embeddings: {},
  busy: false,
  failure: null,
  kept: [],
}));

const set = useSegment.setState;
const get = useSegment.getState;
const latest = new Latest();
/**
 * Key in `latest` of all answers about the open image; opening another image or model makes pending ones out of date.
 */
const ANSWERS = 'answers';

export const selectPrompts = (state: SegmentState): PromptState =>
  state.promptHistory[state.historyIndex] ?? START;

function selectVariant(state: SegmentState): Variant {
  return state.side === 'tuned' && state.runId !== null
    ? { kind: 'run', runId: state.runId }
    : { kind: 'base' };
}

export function selectAnswer(state: SegmentState): Answer | null {
  return state.answers[answerKey(variantKey(state), selectPrompts(state).id)] ?? null;
}

export function selectEmbedding(state: SegmentState): EmbedReport | null {
  return state.embeddings[variantKey(state)]?.report ?? null;
}

/** What the model sees: where the prompts shown, or the next ones, are answered. */
function selectRegion(state: SegmentState): ImageRegion | null {
  const shown = selectPrompts(state);
  return state.image && regionFor(shown, before(shown), selectVisible(state), state.image);
}

const selectVisible = ({ closeUp, visible }: SegmentState): ImageRegion | null => (closeUp ? visible : null);

const before = (shown: PromptState): PromptState['region'] | undefined =>
  isEmpty(shown) ? undefined : shown.region;

/** Names what the model sees; it changes with it. */
export const selectRegionKey = (state: SegmentState): string => regionKey(selectRegion(state));

/** What the model sees, in words. */
export function selectRegionText(state: SegmentState): string {
  const region = selectRegion(state);
  if (!region) return 'The model sees the whole image.';
  const [x0, y0, x1, y1] = region;
  const size = `${x1 - x0} × ${y1 - y0} pixels`;
  return regionKey(region) === regionKey(selectVisible(state))
    ? `The model sees the visible part: ${size}.`
    : `The model sees ${size} around the prompts.`;
}

export const chooseTool = (tool: ToolName): void => set({ tool });
export const choosePositive = (positive: boolean): void => set({ positive });
export const chooseRefine = (refine: boolean): void => set({ refine });

/** Says what is visible of the open image. */
export function showRegion(visible: ImageRegion | null): void {
  if (regionKey(visible) !== regionKey(get().visible)) set({ visible });
}

/** Lets the model look at what is visible, or at the whole image; prompts are answered again, which can be undone. */
export async function chooseCloseUp(closeUp: boolean): Promise<void> {
  set({ closeUp });
  const { image } = get();
  const shown = selectPrompts(get());
  if (image && !isEmpty(shown)) {
    const region = regionFor(shown, undefined, selectVisible(get()), image);
    if (regionKey(region) !== regionKey(shown.region)) pushState({ ...shown, region });
  }
  await answerShown();
}

/** Loads the model while the person still looks for an image. Failures show when it is used. */
export async function prepareModel(): Promise<void> {
  await callEngine('segment.prepare', { variant: selectVariant(get()) });
}

export async function openImage(source: ImageSource): Promise<void> {
  set({ opening: true, failure: null });
  const asked = latest.replace('image');
  const result = await callEngine('segment.open', source);
  if (!latest.accept('image', asked)) {
    if (result.ok) result.value.bitmap.close();
    return;
  }
  if (!result.ok) {
    set({ opening: false });
    notifyFailure(result.error);
    return;
  }
  get().image?.bitmap.close();
  latest.replace(ANSWERS);
  forgetEmbedding();
  set({
    image: result.value,
    source,
    opening: false,
    visible: null,
    promptHistory: [START],
    historyIndex: 0,
    answers: {},
    maskPrompts: {},
    embeddings: {},
  });
  announce(`${result.value.name} is open.`);
  await answerShown();
}

export async function chooseRun(runId: string | null): Promise<void> {
  const run = useRuns.getState().runs.find(({ id }) => id === runId);
  set({
    runId,
    bestStep: run?.bestStep ?? null,
    side: runId === null ? 'base' : 'tuned',
    failure: null,
  });
  await answerShown();
}

// The chosen run may improve, which makes its answers out of date, or be deleted.
useRuns.subscribe(({ runs }) => {
  const { runId, bestStep } = get();
  if (runId === null) return;
  const run = runs.find(({ id }) => id === runId);
  if (!run) void chooseRun(null);
  else if (run.bestStep !== bestStep) set({ bestStep: run.bestStep });
});

export async function chooseSide(side: Side): Promise<void> {
  if (side === 'tuned' && get().runId === null) return;
  set({ side });
  await answerShown();
}

export async function addPoint(point: ImagePoint): Promise<void> {
  const now = selectPrompts(get());
  await pushPrompts({ points: [...now.points, point], box: now.box });
}

/** Replaces the box and keeps the clicks. */
export async function setBox(box: ImageBox): Promise<void> {
  await pushPrompts({ points: selectPrompts(get()).points, box });
}

/** Replaces all prompts by a box around the whole image. */
export async function promptWholeImage(): Promise<void> {
  const { image } = get();
  if (!image) return;
  await pushPrompts({ points: [], box: { x0: 0, y0: 0, x1: image.width, y1: image.height } });
}

export async function undo(): Promise<void> {
  set((state) => ({ historyIndex: Math.max(0, state.historyIndex - 1), failure: null }));
  await predictShown();
}

export async function redo(): Promise<void> {
  set((state) => ({
    historyIndex: Math.min(state.promptHistory.length - 1, state.historyIndex + 1),
    failure: null,
  }));
  await predictShown();
}

/** Removes all prompts; undo brings them back. */
export async function clearPrompts(): Promise<void> {
  const now = selectPrompts(get());
  if (now.points.length === 0 && now.box === null) return;
  await pushPrompts({ points: [], box: null });
}

export function chooseCandidate(candidate: number): void {
  const state = get();
  const key = answerKey(variantKey(state), selectPrompts(state).id);
  const answer = state.answers[key];
  if (!answer || candidate >= answer.prediction.candidates.length) return;
  set(withAnswer(state, key, { ...answer, candidate }));
}

export async function saveMask(): Promise<void> {
  const answer = selectAnswer(get());
  if (!answer) return;
  const result = await callEngine('segment.maskPng', {
    predictionId: answer.prediction.predictionId,
    candidate: answer.candidate,
  });
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

export async function keepMask(): Promise<void> {
  const answer = selectAnswer(get());
  if (!answer) return;
  const result = await callEngine('segment.keep', {
    predictionId: answer.prediction.predictionId,
    candidate: answer.candidate,
  });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  latest.accept(result.value.id);
  set((state) => ({ kept: [...state.kept, result.value] }));
  void refreshStorage();
  notifySuccess(`The mask of ${result.value.imageName} is on the Export page.`);
}

export async function loadKeptMasks(): Promise<void> {
  const asked = latest.ask();
  const result = await callEngine('segment.kept', {});
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  set(({ kept }) => ({ kept: latest.acceptList('kept', asked, result.value, kept) ?? kept }));
}

export async function deleteKeptMask(id: string): Promise<void> {
  const result = await callEngine('segment.deleteKept', { id });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  latest.accept(id);
  set((state) => ({ kept: state.kept.filter((mask) => mask.id !== id) }));
  void refreshStorage();
}

/** Drops everything that was computed with another model, and answers the prompts again. */
export async function clearAnswers(): Promise<void> {
  latest.replace(ANSWERS);
  forgetEmbedding();
  set({ answers: {}, maskPrompts: {}, embeddings: {}, runId: null, bestStep: null, side: 'base' });
  await answerShown();
}

let nextPromptId = 1;

async function pushPrompts(prompts: Pick<PromptState, 'points' | 'box'>): Promise<void> {
  const state = get();
  if (!state.image) return;
  const region = regionFor(prompts, before(selectPrompts(state)), selectVisible(state), state.image);
  pushState({ ...prompts, region });
  await predictShown();
}

function pushState({ points, box, region }: Omit<PromptState, 'id'>): void {
  set((state) => ({
    promptHistory: [
      ...state.promptHistory.slice(0, state.historyIndex + 1),
      { id: nextPromptId++, points, box, region },
    ],
    historyIndex: state.historyIndex + 1,
    failure: null,
  }));
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
  const region = selectRegion(get());
  const known = get().embeddings[key];
  if (!known || regionKey(known.region) !== regionKey(region)) {
    const own = { key: `${key} · ${regionKey(region)}`, controller: new AbortController() };
    // Whoever asked for it answers the prompts when it is there.
    if (embedding?.key === own.key) return;
    forgetEmbedding();
    embedding = own;
    set({ busy: true, failure: null });
    const asked = latest.ask();
    const request = { imageId: image.imageId, variant, ...(region && { region }) };
    const result = await callEngine('segment.embed', request, { signal: own.controller.signal });
    if (!latest.isCurrent(ANSWERS, asked)) return;
    if (result.ok && latest.accept(`embedding ${key}`, asked))
      set((state) => ({ embeddings: { ...state.embeddings, [key]: { region, report: result.value } } }));
    // Other weights or another part are shown by now, which has started an answer of its own.
    if (embedding !== own) return;
    embedding = null;
    set({ busy: false });
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

async function predictShown(): Promise<void> {
  if (predicting) return;
  predicting = true;
  try {
    for (;;) {
      const state = get();
      const { image } = state;
      const key = variantKey(state);
      const prompts = selectPrompts(state);
      if (!image || isEmpty(prompts) || state.answers[answerKey(key, prompts.id)]) return;
      set({ busy: true });
      const asked = { imageId: image.imageId, variant: selectVariant(state), key, serial: latest.ask() };
      const failure = await predictAt(asked, state.promptHistory, state.historyIndex);
      if (!latest.isCurrent(ANSWERS, asked.serial)) continue;
      // Weights that are no longer shown may have been deleted.
      if (failure && variantKey(get()) !== key) continue;
      if (failure) {
        set({ failure });
        announce(failure.what);
        return;
      }
      const shown = selectAnswer(get());
      const best = shown?.prediction.candidates[shown.candidate];
      if (best) announce(`Mask found, predicted IoU ${best.predictedIou.toFixed(2)}.`);
    }
  } finally {
    predicting = false;
    set({ busy: false });
  }
}

interface Asked {
  readonly imageId: string;
  readonly variant: Variant;
  /** See `variantKey`. */
  readonly key: string;
  /** Position in `latest`. */
  readonly serial: number;
}

/** Answers the state at `index`, and before it the states whose masks are fed back. Returns the failure, if any. */
async function predictAt(
  asked: Asked,
  promptHistory: readonly PromptState[],
  index: number,
): Promise<FailureRecord | null> {
  const prompts = promptHistory[index];
  if (!prompts || isEmpty(prompts)) return null;
  let previous: MaskPrompt | null = null;
  const earlier = promptHistory[index - 1];
  // A box around the whole image, a first prompt, and one in another region start without an earlier mask.
  const refines =
    get().refine &&
    earlier !== undefined &&
    prompts.points.length > 0 &&
    !isEmpty(earlier) &&
    regionKey(earlier.region) === regionKey(prompts.region);
  if (refines) {
    const key = answerKey(asked.key, earlier.id);
    const failure = get().maskPrompts[key] ? null : await predictAt(asked, promptHistory, index - 1);
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

const regionKey = (region: ImageRegion | null): string => region?.join(' ') ?? 'whole';

function isEmpty(prompts: PromptState): boolean {
  return prompts.points.length === 0 && prompts.box === null;
}

/** Identifies the weights that are shown. */
function variantKey({ side, runId, bestStep }: Pick<SegmentState, 'side' | 'runId' | 'bestStep'>): string {
  return side === 'tuned' && runId !== null ? `run ${runId} ${bestStep}` : 'base';
}

function answerKey(variant: string, promptId: number): string {
  return `${variant} · ${promptId}`;
}
