import { toFailureRecord } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { capabilitiesFor } from '../../engine/capabilities.ts';
import { HUB } from '../../engine/catalogue/catalogue.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { compileSession } from '../../sam/session.ts';
import type { EngineState } from '../engine-state.ts';
import { openAtStart, openOptions } from '../model-origins.ts';
import type { FailureRecord, ModelInfo } from '../protocol.ts';
import { ok } from '../result.ts';
import type { Handlers } from '../serve.ts';

type BootCalls = 'boot' | 'gpu.recover' | 'capabilities';

/** The first call, the device, and what can be offered for the open model. */
export function bootHandlers(engine: Promise<EngineState>): Pick<Handlers, BootCalls> {
  return {
    boot: async ({ modelBaseUrl, modelMirror, isSegmentShown }, call) => {
      const state = await engine;
      state.modelBaseUrl = modelBaseUrl;
      state.modelHub = modelMirror ?? HUB;
      const gpu = await state.openGpu();
      let model: ModelInfo | null = null;
      let modelFailure: FailureRecord | null = null;
      if (gpu.state === 'ready') {
        try {
          model = await openAtStart(state, {
            ...openOptions(call),
            // As long as it reads the weights, an image may be on its way.
            ...(isSegmentShown && { onConfig: compileAhead(state) }),
          });
        } catch (error) {
          modelFailure = toFailureRecord(error);
        }
      }
      return ok({
        gpu,
        capabilities: capabilities(state),
        model,
        modelFailure,
        storageFailure: state.storageFailure,
        deviceMemoryGiB: deviceMemory(),
      });
    },
    'gpu.recover': async () => ok(await (await engine).recover()),
    capabilities: async () => ok(capabilities(await engine)),
  };
}

/** Compiles for a model's sizes, once however often they are told. */
function compileAhead(state: EngineState): (config: SamConfig) => void {
  let last = '';
  return (config) => {
    const key = JSON.stringify(config);
    if (key !== last) void compileSession(state.needGpu(), config);
    last = key;
  };
}

function capabilities(state: EngineState) {
  return capabilitiesFor(state.model?.open.config ?? SAM_BASE);
}

/** Hugging Face's defaults are SAM ViT-B: what fields show while no model is open. */
const SAM_BASE = parseSamConfig({ vision_config: {} }, 'SAM ViT-B');

/** Memory of the device in GiB, as the browser rounds it; null where it does not say. */
export function deviceMemory(): number | null {
  // Chromium only; its type is not part of the standard library.
  const { deviceMemory: gibibytes } = navigator as { readonly deviceMemory?: number };
  return gibibytes ?? null;
}
