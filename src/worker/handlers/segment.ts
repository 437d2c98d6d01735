import { shownCells } from '../demo.ts';
import type { EngineState } from '../engine-state.ts';
import { bitmapOf } from '../images.ts';
import { KeptMaskRepository, maskFile } from '../kept-mask-repository.ts';
import type { CallName } from '../protocol.ts';
import { done, ok } from '../result.ts';
import type { SegmentationService } from '../segmentation-service.ts';
import type { Handlers } from '../serve.ts';

type SegmentCalls = Extract<CallName, `segment.${string}`>;

/** Images, prompts and masks. */
export function segmentHandlers(
  engine: Promise<{ readonly state: EngineState; readonly service: SegmentationService }>,
): Pick<Handlers, SegmentCalls> {
  const masks = async (): Promise<KeptMaskRepository> => new KeptMaskRepository((await engine).state.store);
  return {
    'segment.prepare': async ({ variant }) => {
      await (await engine).service.prepare(variant);
      return done;
    },
    'segment.open': async (source, call) => {
      const { id, name, image } = await (await engine).service.open(source);
      const bitmap = await bitmapOf(image);
      call.transfer(bitmap);
      return ok({ imageId: id, name, width: image.width, height: image.height, bitmap });
    },
    'segment.openDemo': async (_, call) => {
      const { service } = await engine;
      const { image, labels, clicks } = shownCells();
      const { id, name } = service.openPixels('Drawn cells', image);
      const bitmap = await bitmapOf(image);
      call.transfer(bitmap, labels.buffer);
      return ok({ imageId: id, name, width: image.width, height: image.height, bitmap, labels, clicks });
    },
    'segment.embed': async (request, call) => ok(await (await engine).service.embed(request, call.signal)),
    'segment.predict': async (request, call) => {
      const prediction = await (await engine).service.predict(request);
      for (const { mask } of prediction.candidates) call.transfer(mask.buffer);
      return ok(prediction);
    },
    'segment.maskPng': async ({ predictionId, candidate }) =>
      ok(maskFile(await (await engine).service.mask(predictionId, candidate))),
    'segment.keep': async ({ predictionId, candidate }) =>
      ok(await (await masks()).keep(await (await engine).service.mask(predictionId, candidate))),
    'segment.kept': async () => ok(await (await masks()).list()),
    'segment.deleteKept': async ({ id }) => {
      await (await masks()).delete(id);
      return done;
    },
  };
}
