/**
 * The page's end of the protocol: starts the engine's worker and turns calls into promises of `Result`.
 * A worker that dies answers every open call, so nothing on the page waits for ever.
 */
import {
  type AnswerOf,
  CANCELLED,
  type CallName,
  type EngineEvent,
  type FailureRecord,
  type FromWorker,
  type Progress,
  type RequestOf,
  type Result,
  type ToWorker,
} from './protocol.ts';
import workerAddress from './worker.ts?worker&url';

export interface CallOptions {
  /** Aborting asks the worker to stop; the call then answers with code `cancelled` (or what was finished). */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface EngineClient {
  /** Never rejects: failures come as `{ ok: false }`. */
  call<K extends CallName>(
    name: K,
    request: RequestOf<K>,
    options?: CallOptions,
  ): Promise<Result<AnswerOf<K>>>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
  /** Called once with the reason when the worker is gone; calls after that fail at once. */
  onEnd(listener: (failure: FailureRecord) => void): () => void;
  /** Resolves once every call is answered and for `ms` nothing more was asked: then nobody waits for the machine. */
  quiet(ms: number): Promise<void>;
  terminate(): void;
}

/** The part of `Worker` the client uses; tests put a `MessagePort` in its place. */
export interface WorkerPort {
  postMessage(message: ToWorker): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromWorker>) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: Event) => void): void;
  terminate(): void;
}

/**
 * Starts the engine's worker. It begins in a blob of this page, because such a worker takes the page's
 * Content-Security-Policy over, the meta tag's included; a worker with an address of its own would have only its headers'.
 */
export function startEngine(): EngineClient {
  const address = new URL(workerAddress, import.meta.url).href;
  const entry = new Blob([`import ${JSON.stringify(address)};`], { type: 'text/javascript' });
  return connectEngine(new Worker(URL.createObjectURL(entry), { type: 'module', name: 'engine' }));
}

interface OpenCall {
  readonly settle: (result: Result<unknown>) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Speaks the protocol over any worker-like port. */
export function connectEngine(port: WorkerPort): EngineClient {
  const open = new Map<number, OpenCall>();
  const listeners = new Set<(event: EngineEvent) => void>();
  const endListeners = new Set<(failure: FailureRecord) => void>();
  let nextId = 1;
  let ended: FailureRecord | null = null;

  const end = (failure: FailureRecord): void => {
    if (ended) return;
    ended = failure;
    for (const call of open.values()) call.settle({ ok: false, error: failure });
    open.clear();
    for (const listener of endListeners) listener(failure);
  };

  port.addEventListener('message', ({ data: message }) => {
    switch (message.kind) {
      case 'answer': {
        const call = open.get(message.id);
        open.delete(message.id);
        call?.settle(message.result);
        return;
      }
      case 'progress':
        open.get(message.id)?.onProgress?.(message.progress);
        return;
      case 'event':
        for (const listener of listeners) listener(message.event);
        return;
      default:
        unreachable(message);
    }
  });
  port.addEventListener('error', (event) => {
    const detail = 'message' in event && event.message !== '' ? ` (${String(event.message)})` : '';
    port.terminate();
    end({
      code: 'internal',
      what: `The engine stopped unexpectedly${detail}.`,
      cure: 'Reload the page: datasets and runs are kept on this device, and a run resumes from its last checkpoint.',
    });
  });
  port.addEventListener('messageerror', () => {
    end({
      code: 'internal',
      what: 'A message between the page and the engine could not be read.',
      cure: 'Reload the page; if it happens again, update the browser.',
    });
  });

  return {
    call: <K extends CallName>(name: K, request: RequestOf<K>, options: CallOptions = {}) =>
      new Promise<Result<AnswerOf<K>>>((resolve) => {
        if (ended) {
          resolve({ ok: false, error: ended });
          return;
        }
        const id = nextId++;
        const cancel = (): void => port.postMessage({ kind: 'cancel', id });
        open.set(id, {
          settle: (result) => {
            options.signal?.removeEventListener('abort', cancel);
            // The worker answers a call by name with that call's answer: `Handlers` in serve.ts holds it to that.
            resolve(result as Result<AnswerOf<K>>);
          },
          onProgress: options.onProgress,
        });
        try {
          port.postMessage({ kind: 'call', id, name, request });
        } catch (error) {
          open.delete(id);
          resolve({
            ok: false,
            error: {
              code: 'internal',
              what: `The engine could not be asked (${error instanceof Error ? error.message : String(error)}).`,
              where: name,
              cure: 'Reload the page and try again.',
            },
          });
          return;
        }
        if (options.signal?.aborted) cancel();
        else options.signal?.addEventListener('abort', cancel, { once: true });
      }),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEnd: (listener) => {
      endListeners.add(listener);
      if (ended) listener(ended);
      return () => endListeners.delete(listener);
    },
    quiet: async (ms) => {
      for (let asked = -1; open.size > 0 || asked !== nextId; ) {
        asked = nextId;
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
    },
    terminate: () => {
      port.terminate();
      end({
        code: CANCELLED,
        what: 'The engine was stopped.',
        cure: 'Reload the page to start it again.',
      });
    },
  };
}

function unreachable(value: never): never {
  throw new Error(`unexpected message ${JSON.stringify(value)}`);
}
