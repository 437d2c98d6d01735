/** Models that can be opened: the site's, those of the catalogue, downloaded or not, and the one that was dropped last. */
import { Failure } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import {
  CATALOGUE,
  type CatalogueModel,
  configOf,
  findCatalogueModel,
} from '../engine/catalogue/catalogue.ts';
import type { DownloadParts, DownloadProgress } from '../engine/catalogue/fetch-file.ts';
import {
  downloadModel,
  freeModel,
  type StoredModel,
  storedBytes,
  storedModels,
} from '../engine/catalogue/stored-models.ts';
import { readEmbeddedIndex } from '../engine/embedded.ts';
import type { EngineState, ModelOrigin } from './engine-state.ts';
import { forgetDropped, keptModel, keptOrigin, storedOrigin } from './model-origins.ts';
import type { CatalogueEntry, ModelLibrary } from './protocol.ts';
import type { CallContext } from './serve.ts';
import { modelLocks } from './tab-locks.ts';

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;
const LABELS: Readonly<Record<DownloadProgress['phase'], string>> = {
  downloading: 'Downloading',
  waiting: 'Waiting to try again',
  checking: 'Checking',
};

/** Everything that can be opened; nothing is asked of the catalogue's hub. */
export async function modelLibrary(state: EngineState): Promise<ModelLibrary> {
  const { store } = state;
  const index = await readEmbeddedIndex(fetch, state.modelBaseUrl);
  const stored = await storedModels(store);
  const known = [...CATALOGUE, ...index.downloads];
  const entries = known.map(async (model): Promise<CatalogueEntry> => {
    const there = await storedBytes(store, model);
    const isStored = stored.some(({ id }) => id === model.id);
    return {
      ...entryOf(model, state.modelHub),
      use: model.use,
      bytes: model.bytes,
      hasChecksum: model.files.every(({ sha256 }) => sha256 !== undefined),
      state: isStored ? 'stored' : there > 0 ? 'partial' : 'absent',
      storedBytes: there,
    };
  });
  const gone = stored
    .filter(({ id }) => !known.some((model) => model.id === id))
    .map((model): CatalogueEntry => {
      const bytes = model.files.reduce((sum, file) => sum + file.bytes, 0);
      const hasChecksum = model.files.every(({ isChecked }) => isChecked);
      return {
        ...entryOf(model, state.modelHub),
        use: '',
        bytes,
        hasChecksum,
        state: 'stored',
        storedBytes: bytes,
      };
    });
  return {
    embedded: index.models,
    catalogue: [...(await Promise.all(entries)), ...gone],
    dropped: await keptModel(store),
  };
}

function entryOf(
  { id, label, family, licence, page, repository }: CatalogueModel | StoredModel,
  hub: string,
) {
  return { id, label, family, licence, page, from: `${new URL(hub).host}/${repository}` };
}

/** The sizes of a model of the catalogue, which need not be there. @throws Failure `model/unknown`. */
export async function catalogueConfig(state: EngineState, id: string): Promise<SamConfig> {
  return configOf(await findModel(state, id));
}

/**
 * Downloads a model to this device's storage; see {@link downloadModel}.
 * @throws Failure `download/…`, `storage/…`, `model/unknown`, `model/other-tab`.
 */
export async function downloadFromCatalogue(
  state: EngineState,
  id: string,
  call: CallContext,
): Promise<void> {
  // Memory that stands in for the storage has no room for a model.
  if (state.storageFailure) throw new Failure(state.storageFailure);
  const model = await findModel(state, id);
  await modelLocks.whileTaken(id, async () => {
    await downloadModel(model, downloadParts(state), {
      hub: state.modelHub,
      signal: call.signal,
      onProgress: sparse(call, model.label),
    });
  });
}

async function findModel(state: EngineState, id: string): Promise<CatalogueModel> {
  const { downloads } = await readEmbeddedIndex(fetch, state.modelBaseUrl);
  return findCatalogueModel(id, [...CATALOGUE, ...downloads]);
}

/** @throws Failure `model/not-stored`. */
export async function needStored(state: EngineState, id: string | null): Promise<ModelOrigin> {
  const origin = await (id === null ? keptOrigin(state.store) : storedOrigin(state.store, id));
  if (origin) return origin;
  throw new Failure({
    code: 'model/not-stored',
    what: 'This model is not stored on this device.',
    ...(id !== null && { where: id }),
    cure: id === null ? 'Drop its files again.' : 'Download it again.',
  });
}

/**
 * Removes a downloaded model, or the dropped one for null.
 * @throws Failure `model/in-use` for the one that is open, `model/other-tab`.
 */
export async function freeFromLibrary({ store, model }: EngineState, id: string | null): Promise<void> {
  const open = model?.info;
  if (open && (id === null ? open.source === 'file' : open.catalogueId === id)) {
    throw new Failure({
      code: 'model/in-use',
      what: 'This model is open.',
      where: open.name,
      cure: 'Open another model first, then free it.',
    });
  }
  if (id === null) await forgetDropped(store);
  else await modelLocks.whileTaken(id, () => freeModel(store, id));
}

function downloadParts({ store }: EngineState): DownloadParts {
  return {
    store,
    // Nothing about this site or its visitor goes along, and the browser's cache keeps no second copy.
    fetch: (url, init) =>
      fetch(url, { ...init, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }),
    freeBytes: async () => {
      const { quota, usage } = await navigator.storage.estimate();
      return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
    },
    isOnline: () => navigator.onLine,
    wait: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop);
          resolve();
        }, milliseconds);
        signal?.addEventListener('abort', stop, { once: true });
      }),
    now: () => Date.now(),
  };
}

/** Reports progress as often as a person sees; the last word is always said. */
function sparse(call: CallContext, name: string): (progress: DownloadProgress) => void {
  let latest: DownloadProgress | null = null;
  let isWaiting = false;
  const report = (): void => {
    isWaiting = false;
    if (!latest) return;
    const { phase, done, total } = latest;
    latest = null;
    call.progress({ done, total: total ?? 0, label: `${LABELS[phase]} ${name}` });
    isWaiting = true;
    setTimeout(report, REPORT_EVERY);
  };
  return (progress) => {
    latest = progress;
    if (!isWaiting) report();
  };
}
