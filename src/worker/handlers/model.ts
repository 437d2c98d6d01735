import { readEmbeddedIndex } from '../../engine/embedded.ts';
import type { EngineState } from '../engine-state.ts';
import { keepChoices } from '../model-choices.ts';
import { droppedOrigin, embeddedOrigin, forgetDropped, keepDropped, openOptions } from '../model-origins.ts';
import { ok } from '../result.ts';
import type { Handlers } from '../serve.ts';

/** Choosing the base model. */
export function modelHandlers(
  engine: Promise<EngineState>,
): Pick<Handlers, 'model.list' | 'model.openEmbedded' | 'model.openFiles' | 'model.change'> {
  return {
    'model.list': async () => ok(await readEmbeddedIndex(fetch, (await engine).modelBaseUrl)),
    'model.openEmbedded': async ({ id }, call) => {
      const state = await engine;
      const origin = await embeddedOrigin(state.modelBaseUrl, id);
      const info = await state.openModel(origin, openOptions(call));
      await forgetDropped(state.store);
      return ok(info);
    },
    'model.openFiles': async ({ files, choices = {} }, call) => {
      const state = await engine;
      const info = await state.openModel({ ...droppedOrigin(files), choices }, openOptions(call));
      await keepDropped(state, files);
      if (!state.storageFailure) await keepChoices(state.store, choices);
      return ok(info);
    },
    'model.change': async ({ choices }, call) => {
      const state = await engine;
      const { origin } = state.needModel();
      const all = { ...origin.choices, ...choices };
      const info = await state.openModel({ ...origin, choices: all }, openOptions(call));
      if (origin.source === 'file' && !state.storageFailure) await keepChoices(state.store, all);
      return ok(info);
    },
  };
}
