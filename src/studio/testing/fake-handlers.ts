/** What the parts of the fake engine answer. */
import type { CallName, EngineCalls } from '../../worker/protocol.ts';

export type Handlers = {
  [K in CallName]: (request: EngineCalls[K][0]) => EngineCalls[K][1] | Promise<EngineCalls[K][1]>;
};

export interface FakeOptions {
  readonly noGpu?: boolean;
  readonly empty?: boolean;
  readonly noStorage?: boolean;
  /** Answers in place of the invented ones. */
  readonly handlers?: Partial<Handlers>;
}
