/** Plans runs in a thread of its own: what they would cost, and what they run. */
import { Failure, type FailureRecord } from '../../config/failure.ts';
import { Lru } from '../../data/lru.ts';
import { type PlannedCost, planCost, type RunCost } from '../../engine/run/plan-run.ts';
import type { Plan } from '../../graph/plan.ts';
import type { PlanRequest } from '../../train/plan-training.ts';
import { mapPlans, type TrainingPlans } from '../../train/plans.ts';

/** Gives the same as this thread would. */
export interface Planner {
  /** What a run would cost; that it cannot be planned is one of the problems. */
  cost(request: PlanRequest): Promise<RunCost>;
  /** What a run will run. @throws Failure as `planTraining` does. */
  plans(request: PlanRequest): Promise<TrainingPlans>;
}

/** To the planning thread. */
export interface ToPlanner {
  readonly id: number;
  readonly wants: keyof Planner;
  readonly request: PlanRequest;
}

/**
 * From the planning thread. Plans come one by one, since each takes milliseconds to be copied from thread to thread,
 * and then what is left of them, in which every plan is empty.
 */
export type FromPlanner = { readonly id: number } & (
  | { readonly cost: RunCost }
  | { readonly plan: Plan }
  | { readonly plans: TrainingPlans }
  | { readonly failure: FailureRecord }
);

/** The part of `Worker` that is used; tests put something else in its place. */
export interface PlannerPort {
  postMessage(message: ToPlanner): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<FromPlanner>) => void): void;
  addEventListener(type: 'error', listener: (event: Event) => void): void;
  terminate(): void;
}

/** The planning thread's own end. */
export interface PlannerServerPort {
  postMessage(message: FromPlanner): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToPlanner>) => void): void;
}

const NO_PLAN: Plan = {
  passes: [],
  slotBytes: [],
  texelBytes: [],
  poolBytes: 0,
  outputs: new Map(),
  inputs: new Map(),
};

/** Answers in the planning thread. */
export function servePlanner(port: PlannerServerPort): void {
  // A start asks for the plans whose cost the form has just shown.
  let last: { readonly key: string; readonly planned: PlannedCost } | null = null;
  port.addEventListener('message', ({ data: { id, wants, request } }) => {
    const key = JSON.stringify(request);
    const planned = last?.key === key ? last.planned : planCost(request);
    last = { key, planned };
    const { cost, plans } = planned;
    switch (wants) {
      case 'cost':
        port.postMessage({ id, cost });
        return;
      case 'plans': {
        if (!plans) {
          port.postMessage({ id, failure: cost.problems[0] ?? planningFailed().record });
          return;
        }
        const rest = mapPlans(plans, (plan) => {
          port.postMessage({ id, plan: { ...plan } });
          return NO_PLAN;
        });
        port.postMessage({ id, plans: rest });
        return;
      }
    }
  });
}

type Answer = { readonly cost: RunCost } | { readonly plans: TrainingPlans };

interface Pending {
  /** Those that have come. */
  readonly plans: Plan[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (failure: Failure) => void;
}

/** Costs that are kept, for settings that are changed back. */
const KEPT = 8;

/**
 * A planner whose thread is opened at its first use, and again after it died.
 * The planner rejects with Failure `internal` where the thread cannot be opened or dies.
 */
export function threadPlanner(openThread: () => PlannerPort): Planner {
  const pending = new Map<number, Pending>();
  const costs = new Lru<Promise<RunCost>>(KEPT, () => 1);
  let thread: PlannerPort | null = null;
  let nextId = 1;

  const receive = (message: FromPlanner): void => {
    const { plans, resolve, reject } = pending.get(message.id) ?? {};
    if ('plan' in message) {
      plans?.push(message.plan);
      return;
    }
    pending.delete(message.id);
    if ('failure' in message) reject?.(new Failure(message.failure));
    else if ('cost' in message) resolve?.(message);
    else resolve?.({ plans: mapPlans(message.plans, (missing) => plans?.shift() ?? missing) });
  };

  const open = (): PlannerPort => {
    const opened = openThread();
    opened.addEventListener('message', ({ data }) => receive(data));
    opened.addEventListener('error', () => {
      opened.terminate();
      if (thread === opened) thread = null;
      for (const { reject } of pending.values()) reject(planningFailed());
      pending.clear();
    });
    return opened;
  };

  const ask = (wants: keyof Planner, request: PlanRequest): Promise<Answer> =>
    new Promise((resolve, reject) => {
      thread ??= open();
      const id = nextId++;
      pending.set(id, { plans: [], resolve, reject });
      thread.postMessage({ id, wants, request });
    });

  return {
    cost(request) {
      const key = JSON.stringify(request);
      const known = costs.get(key);
      if (known) return known;
      const cost = ask('cost', request).then((answer) => {
        if ('cost' in answer) return answer.cost;
        throw planningFailed();
      });
      costs.set(key, cost);
      cost.catch(() => costs.delete(key));
      return cost;
    },
    async plans(request) {
      const answer = await ask('plans', request);
      if ('plans' in answer) return answer.plans;
      throw planningFailed();
    },
  };
}

function planningFailed(): Failure {
  return new Failure({
    code: 'internal',
    what: 'The run could not be planned.',
    cure: 'Change a setting to plan it again; if it fails again, reload the page.',
  });
}
