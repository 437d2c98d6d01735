import type { FindService } from '../find/find-service.ts';
import type { CallName } from '../protocol.ts';
import { done, ok } from '../result.ts';
import type { Handlers } from '../serve.ts';

type FindCalls = Extract<CallName, `find.${string}`>;

/** All objects of images and datasets. */
export function findHandlers(service: Promise<FindService>): Pick<Handlers, FindCalls> {
  return {
    'find.run': async (request, call) => ok(await (await service).run(request, call)),
    'find.select': async (request) => ok((await service).select(request)),
    'find.folder': async (request, call) => ok(await (await service).folder(request, call)),
    'find.job': async () => ok({ job: await (await service).job() }),
    'find.found': async ({ datasetId }) => ok({ found: await (await service).results.of(datasetId) }),
    'find.image': async (ref) => ok({ waiting: await (await service).results.waiting(ref) }),
    'find.keep': async (request) => {
      await (await service).keep(request);
      return done;
    },
    'find.reviewed': async (ref) => ok({ found: await (await service).results.review(ref) }),
    'find.bring': async ({ file }) =>
      ok({ found: await (await service).results.bring(new Uint8Array(await file.arrayBuffer())) }),
    'find.calibrate': async (request, call) => ok(await (await service).calibrate(request, call)),
    'find.quality': async (request, call) => ok(await (await service).quality(request, call)),
  };
}
