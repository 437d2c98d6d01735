/** One file from a server into storage: in parts, from where it stopped, checked. */
import { createSHA256 } from 'hash-wasm';
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { joined } from '../../data/decode/joined.ts';
import type { FileStore } from '../../data/file-store.ts';
import {
  busy,
  changed,
  cut,
  empty,
  noRoom,
  notWeights,
  offline,
  refused,
  unreachable,
  wrongChecksum,
  wrongLength,
} from './failures.ts';

/** The part of `fetch` that is used. */
export type Fetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
) => Promise<Response>;

/** What a download works with; tests put something else in the place of each. */
export interface DownloadParts {
  readonly store: FileStore;
  readonly fetch: Fetch;
  /** Bytes that may still be stored; null where that is not known. */
  readonly freeBytes: () => Promise<number | null>;
  readonly isOnline: () => boolean;
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal | null) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds without a byte after which a connection counts as broken; default: a minute. */
  readonly patience?: number;
}

/** Where a download stands. `total` is null where the server does not tell. */
export interface DownloadProgress {
  readonly phase: 'downloading' | 'waiting' | 'checking';
  readonly done: number;
  readonly total: number | null;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface WantedFile {
  readonly url: string;
  /** Where it is to lie. While it is incomplete it lies in `<path>.part`, and beside it what is known of it. */
  readonly path: string;
  readonly bytes?: number | undefined;
  readonly sha256?: string | undefined;
}

export interface FetchedFile {
  readonly bytes: number;
  /** Of what was stored, whether or not it was known before. */
  readonly sha256: string;
}

/** Bytes that are written at once. */
const BLOCK = 4 * 2 ** 20;
const PATIENCE = 60_000;
/** Tries in a row that brought nothing. */
const TRIES = 5;
/** Longest wait that a server may ask for, in milliseconds. */
const LONGEST_WAIT = 120_000;

/** What tells whether the rest belongs to the part that is there. */
const StateSchema = v.object({
  version: v.literal(1),
  url: v.string(),
  bytes: v.number(),
  etag: v.nullable(v.string()),
  modified: v.nullable(v.string()),
});
type State = v.InferOutput<typeof StateSchema>;

/** A fault that may pass. */
class PassingFault extends Error {
  constructor(
    readonly failure: Failure,
    /** Milliseconds that the server asks to wait; null where it asks for none. */
    readonly wait: number | null = null,
  ) {
    super(failure.message);
  }
}

/**
 * Downloads a file to its path. Goes on from a part that an earlier call left, when the server still has the same file;
 * tries again after faults that may pass. What was downloaded stays when it is cancelled or fails, unless it is wrong.
 * @throws Failure `download/…`, `storage/…`; the signal's reason when it is aborted.
 */
export async function fetchFile(
  file: WantedFile,
  parts: DownloadParts,
  options: DownloadOptions = {},
): Promise<FetchedFile> {
  const { store } = parts;
  const signal = options.signal ?? null;
  const part = partOf(file.path);
  for (let tries = 0; ; ) {
    signal?.throwIfAborted();
    if (!parts.isOnline()) throw offline(file.url);
    const before = await store.size(part);
    try {
      await tryOnce(file, parts, options);
      break;
    } catch (thrown) {
      if (!(thrown instanceof PassingFault)) throw thrown;
      if (!parts.isOnline()) throw offline(file.url);
      const size = await store.size(part);
      tries = size > before ? 1 : tries + 1;
      const wait = thrown.wait ?? 1000 * 2 ** (tries - 1);
      if (tries >= TRIES || wait > LONGEST_WAIT) throw thrown.failure;
      options.onProgress?.({
        phase: 'waiting',
        done: size,
        total: (await readState(store, file))?.bytes ?? null,
      });
      await parts.wait(wait, signal);
    }
  }
  const bytes = await store.size(part);
  const sha256 = await hashOf(store, part, bytes, options);
  if (file.sha256 !== undefined && sha256 !== file.sha256) {
    await removePart(store, file.path);
    throw wrongChecksum(file.url, sha256, file.sha256);
  }
  await store.move(part, file.path);
  await removePart(store, file.path);
  return { bytes, sha256 };
}

/** Bytes of a file that are there, whole or in part. */
export async function fetchedBytes(store: FileStore, path: string): Promise<number> {
  return (await store.size(path)) || store.size(partOf(path));
}

/** One request, up to the end of its answer. @throws PassingFault for what may be tried again. */
async function tryOnce(
  file: WantedFile,
  parts: DownloadParts,
  { signal: given, onProgress }: DownloadOptions,
): Promise<void> {
  const { url, path } = file;
  const signal = given ?? null;
  const { store, patience = PATIENCE } = parts;
  const part = partOf(path);
  const attempt = new Attempt(signal, patience);
  const known = await readState(store, file);
  if (!known) await removePart(store, path);
  let done = await store.size(part);
  if (known && done === known.bytes) return;
  // A range from a place to the end needs no permission of another origin's server.
  const headers: Record<string, string> = done > 0 ? { range: `bytes=${done}-` } : {};
  const response = await attempt
    .heard(parts.fetch(url, { headers, signal: attempt.signal }))
    .catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new PassingFault(unreachable(url, cause));
    });
  try {
    expectFile(response, url, parts.now());
    const found = stateOf(response, url, done);
    if (known && done > 0 && response.status !== 200 && !goesOn(response, done, known, found)) {
      await removePart(store, path);
      throw changed(url);
    }
    if (response.status === 200 && done > 0) {
      // The server gives no ranges: from the start, then.
      await removePart(store, path);
      done = 0;
    }
    const total = found.bytes ?? file.bytes ?? known?.bytes ?? null;
    if (total === 0) throw empty(url);
    if (file.bytes !== undefined && total !== null && total !== file.bytes) {
      await removePart(store, path);
      throw wrongLength(url, total, file.bytes);
    }
    onProgress?.({ phase: 'downloading', done, total });
    await expectRoom(url, (total ?? 0) - done, parts);
    if (done === 0 && total !== null) await writeState(store, path, { ...found, bytes: total });
    await storeBody(response, { url, part, done, total }, store, attempt, (stored) =>
      onProgress?.({ phase: 'downloading', done: stored, total }),
    );
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    attempt.end();
  }
}

/** One request: ends when the person stops it, when the server says nothing for too long, or when it is over. */
class Attempt {
  private readonly controller = new AbortController();
  private readonly stop = (): void => this.controller.abort(this.outer?.reason);

  constructor(
    private readonly outer: AbortSignal | null,
    private readonly patience: number,
  ) {
    outer?.addEventListener('abort', this.stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Waits for the server as long as patience lasts. */
  async heard<T>(answer: Promise<T>): Promise<T> {
    const silence = new Error(`no answer for ${this.patience / 1000} s`);
    const timer = setTimeout(() => this.controller.abort(silence), this.patience);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets go of the connection; nothing where the answer has come whole. */
  end(): void {
    this.outer?.removeEventListener('abort', this.stop);
    this.controller.abort();
  }
}

/** @throws PassingFault, Failure for an answer that brings no bytes of the file. */
function expectFile(response: Response, url: string, now: number): void {
  const { status, headers } = response;
  const isBusy = status === 408 || status === 425 || status === 429 || status >= 500;
  if (isBusy) {
    const wait = retryAfter(headers.get('retry-after'), now);
    throw new PassingFault(busy(url, status, wait === null ? null : wait / 1000), wait);
  }
  if (status === 416) return;
  if (!response.ok) throw refused(url, status);
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) throw notWeights(url);
}

/** `Retry-After` in milliseconds: seconds, or a date. */
function retryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const wait = /^\d+$/.test(value.trim()) ? 1000 * Number(value) : Date.parse(value) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}

/** What an answer says of the whole file. Across origins a server may show no more than its length. */
function stateOf(
  response: Response,
  url: string,
  from: number,
): Omit<State, 'bytes'> & { bytes: number | null } {
  const { headers, status } = response;
  const isPacked = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  const length = isPacked ? null : wholeNumber(headers.get('content-length'));
  const range = rangeOf(headers);
  const bytes = status === 206 ? (range?.total ?? (length === null ? null : from + length)) : length;
  return { version: 1, url, bytes, etag: headers.get('etag'), modified: headers.get('last-modified') };
}

function rangeOf(headers: Headers): { readonly start: number; readonly total: number } | null {
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  return start === undefined || total === undefined ? null : { start: Number(start), total: Number(total) };
}

function wholeNumber(value: string | null): number | null {
  return value !== null && /^\d+$/.test(value) ? Number(value) : null;
}

/** Whether an answer is the rest of the part that is there: from its end, and of the same file. */
function goesOn(response: Response, done: number, known: State, found: ReturnType<typeof stateOf>): boolean {
  const agree = <T>(a: T | null, b: T | null) => a === null || b === null || a === b;
  // A date may differ between the servers of one host; it counts where there is nothing better.
  const byTag = known.etag !== null && found.etag !== null;
  return (
    response.status === 206 &&
    (rangeOf(response.headers)?.start ?? done) === done &&
    agree(known.bytes, found.bytes) &&
    (byTag ? known.etag === found.etag : agree(known.modified, found.modified))
  );
}

async function expectRoom(url: string, needed: number, { freeBytes }: DownloadParts): Promise<void> {
  const free = await freeBytes();
  if (free !== null && needed > free) throw noRoom(url, needed, free);
}

interface Place {
  readonly url: string;
  readonly part: string;
  readonly done: number;
  readonly total: number | null;
}

/** Appends an answer's bytes to the part, in blocks. What came before a fault is stored. */
async function storeBody(
  response: Response,
  { url, part, done: from, total }: Place,
  store: FileStore,
  attempt: Attempt,
  onStored: (done: number) => void,
): Promise<void> {
  let done = from;
  let pending: Uint8Array[] = [];
  let held = 0;
  const flush = async (): Promise<void> => {
    if (held === 0) return;
    const block = joined(pending);
    pending = [];
    held = 0;
    await store.append(part, block);
  };
  const reader = response.body?.getReader();
  let isCut = false;
  while (reader) {
    const next = await attempt.heard(reader.read()).catch(() => null);
    isCut = next === null;
    if (!next || next.done) break;
    if (done === 0 && isPage(next.value)) throw notWeights(url);
    done += next.value.length;
    if (total !== null && done > total) {
      await store.remove(part);
      throw wrongLength(url, done, total);
    }
    pending.push(next.value);
    held += next.value.length;
    if (held >= BLOCK) await flush();
    onStored(done);
  }
  await flush();
  if (isCut || (total !== null && done < total)) throw new PassingFault(cut(url, done, total));
}

/** Whether bytes begin as a web page does. */
function isPage(bytes: Uint8Array): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().toLowerCase();
  return start.startsWith('<!doctype') || start.startsWith('<html');
}

/** SHA-256 of a stored file, read block by block, as 64 hexadecimal digits. */
async function hashOf(
  store: FileStore,
  path: string,
  size: number,
  { signal, onProgress }: DownloadOptions,
): Promise<string> {
  const hash = await createSHA256();
  hash.init();
  for (let at = 0; at < size; at += BLOCK) {
    signal?.throwIfAborted();
    onProgress?.({ phase: 'checking', done: at, total: size });
    hash.update(await store.readRange(path, at, BLOCK));
  }
  return hash.digest('hex');
}

const partOf = (path: string): string => `${path}.part`;
const statePath = (path: string): string => `${path}.download.json`;

async function removePart(store: FileStore, path: string): Promise<void> {
  await store.remove(partOf(path));
  await store.remove(statePath(path));
}

/** What is known of the part that is there; null when it cannot be gone on with. */
async function readState(store: FileStore, { path, url }: WantedFile): Promise<State | null> {
  const json = await readJson(store, statePath(path));
  const state = v.safeParse(StateSchema, json);
  return state.success && state.output.url === url ? state.output : null;
}

async function writeState(store: FileStore, path: string, state: State): Promise<void> {
  await store.write(statePath(path), new TextEncoder().encode(JSON.stringify(state)));
}

/** A stored JSON file; null when it is not there or is none. */
export async function readJson(store: FileStore, path: string): Promise<unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(await store.read(path)));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    if (thrown instanceof Failure && thrown.record.code === 'storage/missing') return null;
    throw thrown;
  }
}
