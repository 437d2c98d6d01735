/** The page's engine. The page links it at the start; tests link a fake one. */
import type { CallOptions, EngineClient } from '../../worker/client.ts';
import type { AnswerOf, CallName, RequestOf, Result } from '../../worker/protocol.ts';

let linked: EngineClient | null = null;

export function linkEngine(client: EngineClient): void {
  linked = client;
}

/** Calls the engine; without one the answer is a failure. */
export function callEngine<K extends CallName>(
  name: K,
  request: RequestOf<K>,
  options?: CallOptions,
): Promise<Result<AnswerOf<K>>> {
  if (linked) return linked.call(name, request, options);
  return Promise.resolve({
    ok: false,
    error: {
      code: 'internal',
      what: 'The engine has not been started.',
      where: name,
      cure: 'Reload the page.',
    },
  });
}
