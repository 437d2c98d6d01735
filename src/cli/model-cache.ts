/** Models of the catalogue for the command line: downloaded once, into the user's cache folder. */
import { open, readFile, rm, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../config/failure.ts';
import { type CatalogueModel, HUB } from '../engine/catalogue/catalogue.ts';
import { inWords } from '../engine/catalogue/failures.ts';
import type { DownloadParts, DownloadProgress } from '../engine/catalogue/fetch-file.ts';
import { downloadModel, storedModel, storedSources } from '../engine/catalogue/stored-models.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import { makeFolders } from './make-folders.ts';
import { NodeStore } from './node-store.ts';
import { writeProgress } from './progress.ts';

/** What decides the place of the cache; tests put something else in its place. */
export interface CachePlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

const HERE: CachePlace = { env: process.env, platform: process.platform, home: homedir() };

/** The folder for what can be downloaded again, beside the user's other caches. */
export function cacheFolder({ env, platform, home }: CachePlace = HERE): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  // The XDG specification has relative paths ignored.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'mopeft');
  if (platform === 'win32') return join(local || join(home, 'AppData', 'Local'), 'mopeft');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'mopeft');
  return join(home, '.cache', 'mopeft');
}

/** The store of the cache. */
export const modelCache = (): NodeStore => new NodeStore(cacheFolder());

/**
 * The hub's address, or that of the mirror in `MOPEFT_MIRROR` (`--mirror` sets it), without a slash at its end. What
 * follows it there, separated by spaces, is for the studio's policy.
 * @throws Failure `cli/mirror`.
 */
export function hubAddress(setting = process.env.MOPEFT_MIRROR ?? ''): string {
  const [mirror] = setting.trim().split(/\s+/);
  if (!mirror) return HUB;
  if (/^https?:\/\/[^/\s]+/.test(mirror) && URL.canParse(mirror)) return mirror.replace(/\/+$/, '');
  throw new Failure({
    code: 'cli/mirror',
    what: 'The mirror is no address.',
    where: mirror,
    cure: 'Give an address such as https://mirror.example, whose paths are those of huggingface.co.',
  });
}

/**
 * The files of a model of the catalogue, downloaded first where they are not in the cache. Says where from and how large
 * on the error stream before it asks any server.
 * @throws Failure `download/…`, `storage/…`, `cli/mirror`.
 */
export async function cachedModel(model: CatalogueModel): Promise<ByteSource[]> {
  const store = modelCache();
  if (!(await storedModel(store, model.id))) await download(model, store);
  return storedSources(store, model.id);
}

async function download(model: CatalogueModel, store: NodeStore): Promise<void> {
  const hub = hubAddress();
  const folder = cacheFolder();
  console.error(
    `${model.id}: downloading ${model.label}, about ${inWords(model.bytes)}, from ${hub}/${model.repository} ` +
      `(${model.licence}) to ${folder}. Ctrl+C stops; the same command goes on from there.`,
  );
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  try {
    const stored = await whileLocked(folder, model.id, () =>
      downloadModel(model, partsOf(store, folder), {
        hub,
        signal: controller.signal,
        onProgress: progressLine(),
      }),
    );
    for (const { name, sha256, isChecked } of stored.files) {
      const words = isChecked
        ? 'SHA-256 as expected'
        : `no checksum is known for it; its SHA-256 is ${sha256}`;
      console.error(`${model.id}: ${name} is stored: ${words}.`);
    }
  } catch (thrown) {
    if (!controller.signal.aborted) throw thrown;
    throw new Failure({
      code: 'download/stopped',
      what: 'The download was stopped.',
      where: model.id,
      cure: 'The same command goes on from there.',
    });
  } finally {
    process.off('SIGINT', stop);
  }
}

function partsOf(store: NodeStore, folder: string): DownloadParts {
  return {
    store,
    fetch: (url, init) => fetch(url, init),
    freeBytes: async () => {
      await makeFolders(folder);
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    isOnline: () => true,
    wait: (milliseconds, signal) => wait(milliseconds, undefined, signal ? { signal } : {}),
    now: () => Date.now(),
  };
}

const PHASES = { downloading: 'downloaded', waiting: 'trying again soon', checking: 'checking' } as const;

/** Writes a line that changes on a terminal, a line for every tenth elsewhere. */
function progressLine(): (progress: DownloadProgress) => void {
  const isTerminal = process.stderr.isTTY === true;
  const begun = { time: Date.now(), done: -1 };
  let last = '';
  let shown = 0;
  return ({ phase, done, total }) => {
    if (begun.done < 0) begun.done = done;
    const share = total ? Math.floor((100 * done) / total) : 0;
    const tenth = `${phase} ${Math.floor(share / 10)}`;
    const now = Date.now();
    if (isTerminal ? now - shown < 200 && done !== total : tenth === last) return;
    [last, shown] = [tenth, now];
    const rate = (done - begun.done) / Math.max(0.001, (now - begun.time) / 1000);
    const speed = phase === 'downloading' && done > begun.done ? `, ${inWords(Math.round(rate))}/s` : '';
    const line = `  ${PHASES[phase]} ${inWords(done)}${total ? ` of ${inWords(total)} (${share} %)` : ''}${speed}`;
    writeProgress(line, done === total);
  };
}

/** Does work while no other process does it for the same model. @throws Failure `download/other-process`. */
async function whileLocked<T>(folder: string, id: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, 'locks', id);
  await makeFolders(join(folder, 'locks'));
  const owner = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (owner > 0 && isAlive(owner)) {
    throw new Failure({
      code: 'download/other-process',
      what: `Process ${owner} is downloading this model.`,
      where: id,
      cure: `Wait until it is done. If there is no such download, remove ${path}.`,
    });
  }
  await rm(path, { force: true });
  const lock = await open(path, 'wx').catch((cause: unknown) => {
    throw new Failure(
      {
        code: 'download/other-process',
        what: 'Another process has just begun to download this model.',
        where: id,
        cure: 'Wait until it is done.',
      },
      { cause },
    );
  });
  try {
    await lock.writeFile(String(process.pid));
    return await work();
  } finally {
    await lock.close();
    await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
