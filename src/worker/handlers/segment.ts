import type { EngineState } from '../engine-state.ts';
import { KeptMasks, maskFile } from '../kept-masks.ts';
import { bitmapOf } from '../pictures.ts';
import type { CallName } from '../protocol.ts';
import { done, ok } from '../result.ts';
import type { SegmentDesk } from '../segment-desk.ts';
import type { Handlers } from '../serve.ts';

type SegmentCalls = Extract<CallName, `segment.${string}`>;

/** Pictures, prompts and masks. */
export function segmentHandlers(
  engine: Promise<{ readonly state: EngineState; readonly desk: SegmentDesk }>,
): Pick<Handlers, SegmentCalls> {
  const masks = async (): Promise<KeptMasks> => new KeptMasks((await engine).state.store);
  return {
    'segment.prepare': async ({ variant }) => {
      await (await engine).desk.prepare(variant);
      return done;
    },
    'segment.open': async (source, call) => {
      const { id, name, picture } = await (await engine).desk.open(source);
      const bitmap = await bitmapOf(picture);
      call.transfer(bitmap);
      return ok({ imageId: id, name, width: picture.width, height: picture.height, bitmap });
    },
    'segment.embed': async ({ imageId, variant }) => ok(await (await engine).desk.embed(imageId, variant)),
    'segment.predict': async (request, call) => {
      const prediction = await (await engine).desk.predict(request);
      for (const { mask } of prediction.candidates) call.transfer(mask.buffer);
      return ok(prediction);
    },
    'segment.maskPng': async ({ predictionId, candidate }) =>
      ok(maskFile(await (await engine).desk.mask(predictionId, candidate))),
    'segment.keep': async ({ predictionId, candidate }) =>
      ok(await (await masks()).keep(await (await engine).desk.mask(predictionId, candidate))),
    'segment.kept': async () => ok(await (await masks()).list()),
    'segment.deleteKept': async ({ id }) => {
      await (await masks()).delete(id);
      return done;
    },
  };
}
