/**
 * A run's data in a thread of its own: {@link serveData} decodes, prepares and measures there, {@link threadData} asks
 * from here.
 * Files stay here, whatever they are made from: the thread asks for their bytes.
 */
import { Failure, type FailureRecord, toFailureRecord } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import type { TrainConfig } from '../config/train.ts';
import type { Dataset } from '../data/dataset.ts';
import type { LazyFile } from '../data/lazy-file.ts';
import type { Outcome } from '../data/types.ts';
import type { Batch, BatchState } from './batches.ts';
import type { EvaluationImage, EvaluationView, MeasureOptions, MeasureRequest } from './evaluation-image.ts';
import { localData, type TrainingData } from './training-data.ts';
import { type TrainingSet, trainingSet } from './training-set.ts';

/** What a run's data are drawn from. */
export interface DataRequest {
  readonly sam: SamConfig;
  readonly config: TrainConfig;
  readonly sets: readonly (Pick<TrainingSet, 'key' | 'split'> & { readonly dataset: Dataset })[];
  /** Most that is kept of decoded images. */
  readonly cacheBytes: number;
}

/** A thread that runs {@link serveData} with the other end of `port`. */
export interface DataThread {
  readonly port: MessagePort;
  /** Settles when the thread ended by itself: it could not start, or ran out of memory. */
  readonly died: Promise<void>;
  readonly end: () => void;
}

/** What the thread answers: name → [request, answer]. */
interface Calls {
  start: [DataRequest, null];
  open: [BatchState | null, BatchState];
  next: [null, Batch];
  image: [ImageRequest, Outcome<OpenedImage>];
  view: [{ readonly image: number; readonly view: number }, EvaluationView];
  measure: [MeasureRequest & { readonly image: number }, number[]];
  release: [{ readonly image: number }, null];
}

interface ImageRequest {
  readonly set: number;
  readonly name: string;
  readonly options: MeasureOptions;
}

/** An image that the thread keeps until it is released. */
interface OpenedImage extends Pick<EvaluationImage, 'name' | 'views'> {
  /** Its number there. */
  readonly image: number;
  /** View 0, which is made while the image before is measured; null without one. */
  readonly first: EvaluationView | null;
}

type ToThread =
  | {
      [Name in keyof Calls]: { readonly id: number; readonly call: Name; readonly request: Calls[Name][0] };
    }[keyof Calls]
  | { readonly id: number; readonly bytes: Uint8Array }
  | { readonly id: number; readonly unreadable: FailureRecord | string };

type FromThread =
  | { readonly id: number; readonly value: Calls[keyof Calls][1] }
  | { readonly id: number; readonly failure: FailureRecord }
  | { readonly id: number; readonly read: number };

/** A file in a message: the place of a {@link LazyFile} in the list that this thread keeps. */
interface FileReference extends Pick<LazyFile, 'path' | 'size'> {
  readonly file: number;
}

/**
 * Opens a run's data in a thread.
 * @throws Failure `train/data-thread` when it cannot start.
 */
export async function threadData(thread: DataThread, request: DataRequest): Promise<TrainingData> {
  const { port } = thread;
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: Failure) => void }>();
  let nextId = 1;
  let isOver = false;
  const ask = <Name extends keyof Calls>(
    call: Name,
    given: Calls[Name][0],
    transfer: Transferable[] = [],
  ): Promise<Calls[Name][1]> =>
    new Promise((resolve, reject) => {
      if (isOver) {
        reject(threadEnded());
        return;
      }
      const id = nextId++;
      pending.set(id, { resolve, reject });
      port.postMessage({ id, call, request: given }, transfer);
    });
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    port.close();
    thread.end();
    for (const { reject } of pending.values()) reject(threadEnded());
    pending.clear();
  };
  void thread.died.then(end);

  const files: LazyFile[] = [];
  const read = async (id: number, file: LazyFile | undefined): Promise<void> => {
    const post = (message: ToThread): void => port.postMessage(message);
    try {
      if (!file) throw new RangeError('the thread asks for a file that it was not given');
      // Copied: a file may hand out the same bytes again.
      post({ id, bytes: await file.bytes() });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      post({ id, unreadable: error instanceof Failure ? error.record : detail });
    }
  };
  port.addEventListener('message', ({ data }: MessageEvent<FromThread>) => {
    if ('read' in data) {
      void read(data.id, files[data.read]);
      return;
    }
    const asked = pending.get(data.id);
    pending.delete(data.id);
    if ('failure' in data) asked?.reject(new Failure(data.failure));
    // The answer to a call of that name; `Calls` holds both ends to it.
    else asked?.resolve(data.value as never);
  });
  port.start();

  const imageThere = ({ image, name, views, first }: OpenedImage): EvaluationImage => ({
    name,
    views,
    view: async (view) => (view === 0 && first ? first : ask('view', { image, view })),
    measure: (asked) => {
      // A copy of the mask alone: a message takes all that lies in the buffer.
      const logits = asked.logits.slice();
      return ask('measure', { ...asked, logits, image }, [logits.buffer]);
    },
    // Where the thread ended there is nothing to let go of.
    release: () => void ask('release', { image }).catch(() => undefined),
  });

  try {
    await ask('start', replaceFiles(request, files) as DataRequest);
  } catch (error) {
    end();
    throw error;
  }
  return {
    sets: request.sets.map(({ key, split }, set) => ({
      key,
      split,
      open: async (name, options) => {
        const opened = await ask('image', { set, name, options });
        return opened.ok ? { ok: true, value: imageThere(opened.value) } : opened;
      },
    })),
    open: (state) => ask('open', state),
    next: () => ask('next', null),
    close: end,
  };
}

/** Answers {@link threadData} until its port is closed. */
export function serveData(port: MessagePort): void {
  const post = (message: FromThread, transfer: Transferable[] = []): void =>
    port.postMessage(message, transfer);
  const reads = new Map<number, { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void }>();
  let nextRead = 1;
  const lazyFile = ({ path, size, file }: FileReference): LazyFile => ({
    path,
    size,
    bytes: () =>
      new Promise((resolve, reject) => {
        const id = nextRead++;
        reads.set(id, { resolve, reject });
        post({ id, read: file });
      }),
  });
  let started: TrainingData | null = null;
  const data = (): TrainingData => {
    if (!started) throw new RangeError('the data were not started');
    return started;
  };
  const images = new Map<number, EvaluationImage>();
  let nextImage = 1;
  const imageOf = (number: number): EvaluationImage => {
    const image = images.get(number);
    if (!image) throw new RangeError(`there is no image ${number}`);
    return image;
  };
  const answer = async (message: Extract<ToThread, { readonly call: keyof Calls }>): Promise<void> => {
    const { id } = message;
    switch (message.call) {
      case 'start': {
        const { sam, config, sets, cacheBytes } = restoreFiles(message.request, lazyFile) as DataRequest;
        const own = sets.map(({ key, split, dataset }) => trainingSet(key, dataset, split, sam, config));
        started = localData(sam, config, own, cacheBytes);
        post({ id, value: null });
        return;
      }
      case 'open':
        post({ id, value: await data().open(message.request) });
        return;
      case 'next': {
        const batch = await data().next();
        post({ id, value: batch }, buffersOf(batch));
        return;
      }
      case 'image': {
        const { set, name, options } = message.request;
        const opened = await data().sets[set]?.open(name, options);
        if (!opened) throw new RangeError(`there is no dataset ${set}`);
        if (!opened.ok) {
          post({ id, value: opened });
          return;
        }
        const { views } = opened.value;
        const first = views > 0 ? await opened.value.view(0) : null;
        const image = nextImage++;
        images.set(image, opened.value);
        const value: OpenedImage = { image, name, views, first };
        post({ id, value: { ok: true, value } }, first ? distinct([first.input.data]) : []);
        return;
      }
      case 'view': {
        const view = await imageOf(message.request.image).view(message.request.view);
        post({ id, value: view }, distinct([view.input.data]));
        return;
      }
      case 'measure':
        post({ id, value: await imageOf(message.request.image).measure(message.request) });
        return;
      case 'release':
        imageOf(message.request.image).release();
        images.delete(message.request.image);
        post({ id, value: null });
        return;
    }
  };
  port.addEventListener('message', ({ data: message }: MessageEvent<ToThread>) => {
    if ('call' in message) {
      answer(message).catch((error: unknown) => post({ id: message.id, failure: toFailureRecord(error) }));
      return;
    }
    const asked = reads.get(message.id);
    reads.delete(message.id);
    if ('bytes' in message) asked?.resolve(message.bytes);
    else asked?.reject(unreadable(message.unreadable));
  });
  port.start();
}

function unreadable(why: FailureRecord | string): Error {
  return typeof why === 'string' ? new Error(why) : new Failure(why);
}

/** The large arrays of a batch, which it alone has. */
function buffersOf({ images }: Batch): ArrayBuffer[] {
  return distinct(images.flatMap(({ input, objects }) => [input, ...objects.map(({ target }) => target)]));
}

function distinct(arrays: readonly { readonly buffer: ArrayBufferLike }[]): ArrayBuffer[] {
  return [...new Set(arrays.map(({ buffer }) => buffer))].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** A copy of plain data with references in place of files, which are added to `files`. */
function replaceFiles(value: unknown, files: LazyFile[]): unknown {
  return mapped(value, (each) => {
    if (!isLazyFile(each)) return null;
    const { path, size } = each;
    return { path, size, file: files.push(each) - 1 } satisfies FileReference;
  });
}

/** Takes {@link replaceFiles} back. */
function restoreFiles(value: unknown, fileOf: (reference: FileReference) => LazyFile): unknown {
  return mapped(value, (each) => (isReference(each) ? fileOf(each) : null));
}

/**
 * A copy in which lists and plain objects hold replaced objects; anything else stays as it is.
 * @param replace null keeps an object. Called once for each, so that what samples share is still shared.
 */
function mapped(value: unknown, replace: (object: object) => object | null): unknown {
  const known = new Map<object, unknown>();
  const map = (each: unknown): unknown => {
    if (typeof each !== 'object' || each === null) return each;
    const copy = known.has(each) ? known.get(each) : (replace(each) ?? copyOf(each));
    known.set(each, copy);
    return copy;
  };
  const copyOf = (each: object): unknown => {
    if (Array.isArray(each)) return each.map(map);
    if (Object.getPrototypeOf(each) !== Object.prototype) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, map(inner)]));
  };
  return map(value);
}

function isLazyFile(value: object): value is LazyFile {
  return 'bytes' in value && typeof value.bytes === 'function';
}

function isReference(value: object): value is FileReference {
  return 'file' in value && typeof value.file === 'number';
}

function threadEnded(): Failure {
  return new Failure({
    code: 'train/data-thread',
    what: 'The thread that prepares images ended; it may have run out of memory.',
    cure: 'Start again; a run resumes from its last checkpoint. If that does not help, close other programs or use smaller images.',
  });
}
