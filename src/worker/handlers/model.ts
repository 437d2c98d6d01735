import { folderOf } from '../../engine/catalogue/stored-models.ts';
import { readEmbeddedIndex } from '../../engine/embedded.ts';
import type { EngineState, ModelOrigin } from '../engine-state.ts';
import { keepChoices } from '../model-choices.ts';
import {
  catalogueConfig,
  downloadFromCatalogue,
  freeFromLibrary,
  modelLibrary,
  needStored,
} from '../model-library.ts';
import { droppedOrigin, embeddedOrigin, keepDropped, openOptions, rememberOpened } from '../model-origins.ts';
import type { CallName, ModelInfo } from '../protocol.ts';
import { done, ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { CallContext, Handlers } from '../serve.ts';

type ModelCalls = Extract<CallName, `model.${string}`>;

interface Parts {
  readonly state: EngineState;
  readonly training: TrainingService;
}

/** Choosing the base model. */
export function modelHandlers(engine: Promise<Parts>): Pick<Handlers, ModelCalls> {
  return {
    'model.list': async () => ok(await readEmbeddedIndex(fetch, (await engine).state.modelBaseUrl)),
    'model.openEmbedded': async ({ id }, call) => {
      const { state } = await engine;
      return ok(await open(state, await embeddedOrigin(state.modelBaseUrl, id), call));
    },
    'model.openFiles': async ({ files, choices = {} }, call) => {
      const { state } = await engine;
      const info = await open(state, { ...droppedOrigin(files), choices }, call);
      await keepDropped(state, files);
      if (!state.storageFailure) await keepChoices(state.store, choices);
      return ok(info);
    },
    'model.change': async ({ choices }, call) => {
      const { state } = await engine;
      const { origin } = state.needModel();
      const all = { ...origin.choices, ...choices };
      const info = await state.openModel({ ...origin, choices: all }, openOptions(call));
      if (origin.source !== 'embedded' && !state.storageFailure)
        await keepChoices(
          state.store,
          all,
          origin.catalogueId === null ? undefined : folderOf(origin.catalogueId),
        );
      return ok(info);
    },
    'model.library': async () => ok(await modelLibrary((await engine).state)),
    'model.download': async ({ id }, call) => {
      await downloadFromCatalogue((await engine).state, id, call);
      return done;
    },
    'model.openStored': async ({ id }, call) => {
      const { state } = await engine;
      return ok(await open(state, await needStored(state, id), call));
    },
    'model.openDropped': async (_, call) => {
      const { state } = await engine;
      return ok(await open(state, await needStored(state, null), call));
    },
    'model.free': async ({ id }) => {
      await freeFromLibrary((await engine).state, id);
      return done;
    },
    'model.memory': async ({ id }) => {
      const { state, training } = await engine;
      return ok(await training.memoryOn(await catalogueConfig(state, id)));
    },
  };
}

/** Opens a model, which the next visit then starts with. */
async function open(state: EngineState, origin: ModelOrigin, call: CallContext): Promise<ModelInfo> {
  const info = await state.openModel(origin, openOptions(call));
  await rememberOpened(state.store, info);
  return info;
}
