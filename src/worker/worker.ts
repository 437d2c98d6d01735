/** The engine's worker: opens the storage and answers the page's calls. */
import { Failure, toFailureRecord } from '../config/failure.ts';
import { EngineState } from './engine-state.ts';
import { bootHandlers } from './handlers/boot.ts';
import { dataHandlers } from './handlers/data.ts';
import { modelHandlers } from './handlers/model.ts';
import { outputHandlers } from './handlers/output.ts';
import { segmentHandlers } from './handlers/segment.ts';
import { trainHandlers } from './handlers/train.ts';
import { threadPlanner } from './runs/planner.ts';
import plannerAddress from './runs/planner-thread.ts?worker&url';
import { TrainingService } from './runs/training-service.ts';
import { SegmentationService } from './segmentation-service.ts';
import { serve } from './serve.ts';

/** Begins in a blob, as this worker does, so that it takes the Content-Security-Policy over. */
function openPlannerThread(): Worker {
  const address = new URL(plannerAddress, import.meta.url).href;
  const entry = new Blob([`import ${JSON.stringify(address)};`], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(entry), { type: 'module', name: 'planner' });
}

const engine = EngineState.open((event) => emit(event)).then((state) => {
  const training = new TrainingService(state, threadPlanner(openPlannerThread));
  return { state, training, service: new SegmentationService(state, (runId) => training.weights(runId)) };
});
const state = engine.then((parts) => parts.state);
const training = engine.then((parts) => parts.training);

// Serves at once: a call that comes while the storage is being opened waits for it inside its handler.
const { emit } = serve({
  ...bootHandlers(state),
  ...modelHandlers(state),
  ...dataHandlers(engine),
  ...trainHandlers(training),
  ...segmentHandlers(engine),
  ...outputHandlers(engine),
});

// Reports what fails outside of a call, such as work on a lost device. Only a Failure has words for a person.
globalThis.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  const { what, cure } = toFailureRecord(event.reason);
  if (event.reason instanceof Failure) emit({ type: 'log', level: 'warning', text: `${what} ${cure}` });
  else emit({ type: 'log', level: 'info', text: what });
});
