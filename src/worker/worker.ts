/** The engine's worker: opens the storage and answers the page's calls. */
import { Failure, toFailureRecord } from '../config/failure.ts';
import type { DataThread } from '../train/data-port.ts';
import { folderBytes } from '../train/token-cache.ts';
import { CACHE_BYTES, cacheBytes } from '../train/training-data.ts';
import { EngineState } from './engine-state.ts';
import { FindService } from './find/find-service.ts';
import { bootHandlers, deviceMemory } from './handlers/boot.ts';
import { dataHandlers } from './handlers/data.ts';
import { findHandlers } from './handlers/find.ts';
import { labelHandlers } from './handlers/labels.ts';
import { modelHandlers } from './handlers/model.ts';
import { outputHandlers } from './handlers/output.ts';
import { projectHandlers } from './handlers/project.ts';
import { queueHandlers } from './handlers/queue.ts';
import { segmentHandlers } from './handlers/segment.ts';
import { trainHandlers } from './handlers/train.ts';
import { worthHandlers } from './handlers/worth.ts';
import dataAddress from './runs/data-thread.ts?worker&url';
import { threadPlanner } from './runs/planner.ts';
import plannerAddress from './runs/planner-thread.ts?worker&url';
import { TrainingService } from './runs/training-service.ts';
import { SegmentationService } from './segmentation-service.ts';
import { serve } from './serve.ts';
import { shippedWeights } from './shipped-adapter.ts';

/** Begins in a blob, as this worker does, so that it takes the Content-Security-Policy over. */
function openThread(file: string, name: string): Worker {
  const address = new URL(file, import.meta.url).href;
  const entry = new Blob([`import ${JSON.stringify(address)};`], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(entry), { type: 'module', name });
}

function openDataThread(): DataThread {
  const worker = openThread(dataAddress, 'data');
  const { port1, port2 } = new MessageChannel();
  const died = new Promise<void>((resolve) => worker.addEventListener('error', () => resolve()));
  worker.postMessage(port2, [port2]);
  return { port: port1, died, end: () => worker.terminate() };
}

const memory = deviceMemory();
const engine = EngineState.open((event) => emit(event)).then((state) => {
  const training = new TrainingService(
    state,
    threadPlanner(() => openThread(plannerAddress, 'planner')),
    {
      openDataThread,
      cacheBytes: memory === null ? CACHE_BYTES : cacheBytes(memory * 2 ** 30),
      spareBytes: async () => {
        if (state.storageFailure) return 0;
        const { quota = 0, usage = 0 } = await navigator.storage.estimate();
        return folderBytes(quota - usage);
      },
    },
  );
  const service = new SegmentationService(
    state,
    (runId) => training.weights(runId),
    () => shippedWeights(fetch, state),
  );
  const finding = new FindService(state, {
    image: (imageId) => service.pixels(imageId),
    weights: (runId) => training.weights(runId),
    runScale: async (runId) => (await training.need(runId)).scale,
  });
  return { state, training, service, finding };
});
const state = engine.then((parts) => parts.state);
const training = engine.then((parts) => parts.training);

// Serves at once: a call that comes while the storage is being opened waits for it inside its handler.
const { emit } = serve({
  ...bootHandlers(state),
  ...modelHandlers(engine),
  ...dataHandlers(engine),
  ...labelHandlers(engine),
  ...trainHandlers(training),
  ...queueHandlers(training),
  ...segmentHandlers(engine),
  ...findHandlers(engine.then(({ finding }) => finding)),
  ...outputHandlers(engine),
  ...projectHandlers(engine),
  ...worthHandlers(training),
});

// The page counts them beside its own.
new PerformanceObserver((list) =>
  emit({ type: 'requests', addresses: list.getEntries().map(({ name }) => name) }),
).observe({ type: 'resource', buffered: true });

// Reports what fails outside of a call, such as work on a lost device. Only a Failure has words for a person.
globalThis.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  const { what, cure } = toFailureRecord(event.reason);
  if (event.reason instanceof Failure) emit({ type: 'log', level: 'warning', text: `${what} ${cure}` });
  else emit({ type: 'log', level: 'info', text: what });
});
