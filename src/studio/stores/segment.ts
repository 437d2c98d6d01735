/** The open image, its prompts with undo and redo, and the masks that the base and the tuned model give for them. */
import { create } from 'zustand';
import type {
  EmbedReport,
  FailureRecord,
  ImageBox,
  ImagePoint,
  ImageSource,
  KeptMask,
  OpenedImage,
  Prediction,
  PredictRequest,
  Variant,
} from '../../worker/protocol.ts';
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
  /** By `variantKey`: encoding time and gates of this image. */
  readonly embeddings: Readonly<Record<string, EmbedReport>>;
  readonly busy: boolean;
  readonly failure: FailureRecord | null;
  readonly kept: readonly KeptMask[];
}

const START: PromptState = { id: 0, points: [], box: null };

export const useSegment = create<SegmentState>()(() => ({
  image: null,
  source: null,
  opening: false,
  tool: 'click',
  positive: true,
  refine: true,
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
  return state.embeddings[variantKey(state)] ?? null;
}

export const chooseTool = (tool: ToolName): void => set({ tool });
export const choosePositive = (positive: boolean): void => set({ positive });
export const chooseRefine = (refine: boolean): void => set({ refine });

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
  set({
    image: result.value,
    source,
    opening: false,
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
  set({ answers: {}, maskPrompts: {}, embeddings: {}, runId: null, bestStep: null, side: 'base' });
  await answerShown();
}

let nextPromptId = 1;

async function pushPrompts(prompts: Omit<PromptState, 'id'>): Promise<void> {
  if (!get().image) return;
  set((state) => ({
    promptHistory: [
      ...state.promptHistory.slice(0, state.historyIndex + 1),
      { id: nextPromptId++, ...prompts },
    ],
    historyIndex: state.historyIndex + 1,
    failure: null,
  }));
  await predictShown();
}

/** Encodes the image with the weights shown (which gives its gates), then answers the prompts shown. */
export async function answerShown(): Promise<void> {
  const { image } = get();
  if (!image) return;
  const variant = selectVariant(get());
  const key = variantKey(get());
  if (!get().embeddings[key]) {
    set({ busy: true, failure: null });
    const asked = latest.ask();
    const result = await callEngine('segment.embed', { imageId: image.imageId, variant });
    if (!latest.isCurrent(ANSWERS, asked)) return;
    if (result.ok) set((state) => ({ embeddings: { ...state.embeddings, [key]: result.value } }));
    // Other weights are shown by now; choosing them has started their own answer.
    if (variantKey(get()) !== key) return;
    set({ busy: false });
    if (!result.ok) {
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
  const before = promptHistory[index - 1];
  // A box around the whole image and a first prompt start without an earlier mask.
  if (get().refine && before && prompts.points.length > 0 && !isEmpty(before)) {
    const key = answerKey(asked.key, before.id);
    const failure = get().maskPrompts[key] ? null : await predictAt(asked, promptHistory, index - 1);
    if (failure) return failure;
    previous = get().maskPrompts[key] ?? null;
  }
  const { imageId, variant } = asked;
  const { points, box } = prompts;
  const result = await callEngine('segment.predict', { imageId, variant, points, box, previous });
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
