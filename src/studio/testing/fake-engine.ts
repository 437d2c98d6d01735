/**
 * An engine with invented answers, for tests of the studio alone: states that are hard to reach with the real engine
 * (a lost device, a finished run with known figures). Never part of the product.
 */
import { Failure } from '../../config/failure.ts';
import type { EngineClient } from '../../worker/client.ts';
import type { CallName, EngineEvent, Result } from '../../worker/protocol.ts';
import { fakeData } from './fake-data.ts';
import { fakeFind } from './fake-find.ts';
import type { FakeOptions, Handlers } from './fake-handlers.ts';
import { fakeModel } from './fake-model.ts';
import { fakeRuns } from './fake-runs.ts';
import { fakeSegment } from './fake-segment.ts';
import { fakeWorth } from './fake-worth.ts';

export interface FakeEngine extends EngineClient {
  emit(event: EngineEvent): void;
  /**
   * Holds back the next answer to a call. The answer is what the engine knew when it was called.
   * Returns the function that sends it.
   */
  holdNext(name: CallName): () => void;
}

/** Starts with three datasets, one finished and one running run, unless `empty`. */
export function fakeEngine(options: FakeOptions = {}): FakeEngine {
  const holds = new Map<CallName, Promise<void>[]>();
  const listeners = new Set<(event: EngineEvent) => void>();
  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const handlers: Handlers = {
    ...fakeModel(options),
    ...fakeData(options),
    ...fakeFind(),
    ...fakeRuns(options, emit),
    ...fakeSegment(),
    ...fakeWorth(),
    ...options.handlers,
  };
  return {
    call: async (name, request) => {
      try {
        const value = await handlers[name](request);
        await holds.get(name)?.shift();
        return { ok: true, value } as Result<typeof value>;
      } catch (thrown) {
        if (thrown instanceof Failure) return { ok: false, error: thrown.record };
        throw thrown;
      }
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEnd: () => () => undefined,
    quiet: () => Promise.resolve(),
    terminate: () => undefined,
    emit,
    holdNext: (name) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      holds.set(name, [...(holds.get(name) ?? []), held]);
      return release;
    },
  };
}
