/** The thread that plans what runs would cost, so that clicks never wait for it. */
import { planCost } from '../../engine/run/plan-run.ts';
import type { FromPlanner, ToPlanner } from './planner.ts';

globalThis.addEventListener('message', ({ data: { id, request } }: MessageEvent<ToPlanner>) => {
  globalThis.postMessage({ id, cost: planCost(request) } satisfies FromPlanner);
});
