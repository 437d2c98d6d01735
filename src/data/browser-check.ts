import { toFailureRecord } from '../config/failure.ts';
import { decodeImage } from './decode/image.ts';
import { crc32 } from './decode/png.ts';
import { checkFileStore } from './file-store.contract.ts';
import { OpfsStore } from './opfs-store.ts';
import { readZip, writeZip } from './zip.ts';

/** The sizes of a zip's entries and of its first one stored in another zip and read again; a sum of every image's pixels. */
export interface BrowserFindings {
  readonly zip: readonly number[];
  readonly images: readonly number[];
}

/** Decodes files and gives a CRC-32 of each one's pixels. The same code runs in Node for comparison. */
export async function sumsOfImages(files: readonly Uint8Array[]): Promise<number[]> {
  const sums: number[] = [];
  for (const file of files) {
    const decoded = await decodeImage(file, 'file');
    if (!decoded.ok) throw new Error(decoded.refusal.reason);
    sums.push(crc32(decoded.value.image.data));
  }
  return sums;
}

const unpack = async (zip: Uint8Array) =>
  Promise.all((await readZip(zip, 'z.zip')).files.map((file) => file.bytes()));

/** Bundled by the browser test and run on a page and in a worker: zips and the decoders. */
export async function checkBrowser(zip: Uint8Array, files: readonly Uint8Array[]): Promise<BrowserFindings> {
  const unpacked = await unpack(zip);
  const again = await unpack(await writeZip({ 'stored.png': unpacked[0] ?? zip }, 0));
  return {
    zip: [...unpacked, ...again].map((entry) => entry.length),
    images: await sumsOfImages(files),
  };
}

/** In a worker: which promise of the file store broke, or `kept`. */
export function checkOpfs(folder: string): Promise<string> {
  return findings(async () => checkFileStore(await OpfsStore.open(folder)));
}

/** Calls of the platform by which a file is written, where a tab may be killed. */
export const KILL_POINTS = ['getFileHandle', 'createSyncAccessHandle', 'move'] as const;
export type KillPoint = (typeof KILL_POINTS)[number];

const encode = (text: string) => new TextEncoder().encode(text);

/**
 * In a worker that is to be ended: writes a file over `old` (or for the first time), and is stuck `before` or `after`
 * one of the platform's calls.
 * @returns when it is stuck.
 */
export async function writeUntilStuck(
  folder: string,
  point: KillPoint,
  moment: 'before' | 'after',
): Promise<void> {
  const store = await OpfsStore.open(folder);
  await store.remove('');
  await store.write('run/over', encode('old'));
  return new Promise((stuck) => {
    const prototype =
      point === 'getFileHandle' ? FileSystemDirectoryHandle.prototype : FileSystemFileHandle.prototype;
    const calls = prototype as unknown as Record<KillPoint, (...given: unknown[]) => Promise<unknown>>;
    const real = calls[point];
    calls[point] = async function (...given) {
      if (moment === 'after') await real.apply(this, given);
      stuck();
      return new Promise(() => undefined);
    };
    for (const path of ['run/over', 'run/first']) void store.write(path, encode('new'));
  });
}

/** In the next worker: whether both files are whole or not there, and no part is left; what is wrong, or `kept`. */
export function checkAfterStuck(folder: string): Promise<string> {
  return findings(async () => {
    const store = await OpfsStore.open(folder);
    const listed = (await store.list('run')).map(({ name }) => name);
    const read = async (name: string) => new TextDecoder().decode(await store.read(`run/${name}`));
    if (!['old', 'new'].includes(await read('over')))
      throw new Error('the file is neither the old nor the new one');
    const isFirstThere = await store.exists('run/first');
    if (isFirstThere && (await read('first')) !== 'new') throw new Error('the first file is a part');
    if (listed.join() !== (isFirstThere ? 'first,over' : 'over')) throw new Error(`listed: ${listed.join()}`);
    const root = await navigator.storage.getDirectory();
    const parts: string[] = [];
    for await (const [name, own] of (await root.getDirectoryHandle(`${folder}.part`)).entries())
      for await (const part of (own as FileSystemDirectoryHandle).keys()) parts.push(`${name}/${part}`);
    if (parts.length > 0) throw new Error(`parts are left: ${parts.join()}`);
  });
}

/** In a worker of a browser with `--expose-gc`: whether a log can be written while garbage is collected. */
export function checkCollected(folder: string): Promise<string> {
  return findings(async () => {
    const store = await OpfsStore.open(folder);
    const prototype = FileSystemFileHandle.prototype;
    const { createSyncAccessHandle } = prototype;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = collectGarbage;
    prototype.createSyncAccessHandle = function (...given) {
      // Sooner than a timer, before the platform has answered.
      port2.postMessage(null);
      return createSyncAccessHandle.apply(this, given);
    };
    for (let i = 0; i < COLLECTED_WRITES; i++) await store.append('run/log', encode('line'));
    const { length } = await store.read('run/log');
    if (length !== 4 * COLLECTED_WRITES) throw new Error(`the log has ${length} bytes`);
  });
}

/** In Chromium 156 one of so many went unanswered. */
const COLLECTED_WRITES = 1000;

function collectGarbage(): void {
  const collect: unknown = Reflect.get(globalThis, 'gc');
  if (typeof collect !== 'function') throw new Error('the browser was started without --expose-gc');
  collect();
}

async function findings(check: () => Promise<void>): Promise<string> {
  try {
    await check();
    return 'kept';
  } catch (error) {
    return error instanceof Error ? error.message : toFailureRecord(error).what;
  }
}
