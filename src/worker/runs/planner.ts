/** Plans what runs would cost, in a thread of its own. */
import { Failure } from '../../config/failure.ts';
import { Lru } from '../../data/lru.ts';
import type { CostRequest, RunCost } from '../../engine/run/plan-run.ts';

/** Gives the cost of a run; the same in another thread and in this one. */
export type Planner = (request: CostRequest) => Promise<RunCost>;

/** To the planning thread. */
export interface ToPlanner {
  readonly id: number;
  readonly request: CostRequest;
}

/** From the planning thread. */
export interface FromPlanner {
  readonly id: number;
  readonly cost: RunCost;
}

/** The part of `Worker` that is used; tests put something else in its place. */
export interface PlannerPort {
  postMessage(message: ToPlanner): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromPlanner>) => void): void;
  addEventListener(type: 'error', listener: (event: Event) => void): void;
  terminate(): void;
}

interface PendingCost {
  readonly resolve: (cost: RunCost) => void;
  readonly reject: (failure: Failure) => void;
}

/** Costs that are kept: a start asks again for what the form has just shown. */
const KEPT = 8;

/**
 * A planner whose thread is opened at its first use, and again after it died.
 * The planner rejects with Failure `internal` where the thread cannot be opened or dies.
 */
export function threadPlanner(openThread: () => PlannerPort): Planner {
  const pending = new Map<number, PendingCost>();
  const costs = new Lru<Promise<RunCost>>(KEPT, () => 1);
  let thread: PlannerPort | null = null;
  let nextId = 1;

  const open = (): PlannerPort => {
    const opened = openThread();
    opened.addEventListener('message', ({ data: { id, cost } }) => {
      pending.get(id)?.resolve(cost);
      pending.delete(id);
    });
    opened.addEventListener('error', () => {
      opened.terminate();
      if (thread === opened) thread = null;
      for (const { reject } of pending.values()) reject(planningFailed());
      pending.clear();
    });
    return opened;
  };

  return (request) => {
    const key = JSON.stringify(request);
    const known = costs.get(key);
    if (known) return known;
    const cost = new Promise<RunCost>((resolve, reject) => {
      thread ??= open();
      const id = nextId++;
      pending.set(id, { resolve, reject });
      thread.postMessage({ id, request });
    });
    costs.set(key, cost);
    cost.catch(() => costs.delete(key));
    return cost;
  };
}

function planningFailed(): Failure {
  return new Failure({
    code: 'internal',
    what: 'What the run would cost could not be planned.',
    cure: 'Change a setting to plan it again; if it fails again, reload the page.',
  });
}
