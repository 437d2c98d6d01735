import type { EngineState } from '../engine-state.ts';
import { ProjectService } from '../project/project-service.ts';
import type { CallName } from '../protocol.ts';
import { ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type ProjectCalls = Extract<CallName, `project.${string}`>;

/** Whole projects, out and in. */
export function projectHandlers(
  engine: Promise<{ readonly state: EngineState; readonly training: TrainingService }>,
): Pick<Handlers, ProjectCalls> {
  const service = engine.then(
    ({ state, training }) =>
      new ProjectService(state, training, async () => {
        if (state.storageFailure) return null;
        const { quota, usage = 0 } = await navigator.storage.estimate();
        return quota === undefined ? null : quota - usage;
      }),
  );
  return {
    'project.parts': async () => ok(await (await service).parts()),
    'project.write': async (request, call) => ok(await (await service).write(request, call)),
    'project.look': async ({ files }, call) => ok(await (await service).look(files, call)),
    'project.add': async ({ lookId }, call) => ok(await (await service).add(lookId, call)),
  };
}
