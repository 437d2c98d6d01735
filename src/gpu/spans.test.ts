import { afterEach, describe, expect, it, vi } from 'vitest';
import { SpanClock } from './spans.ts';

let now = 0;
afterEach(() => vi.restoreAllMocks());

function start(): SpanClock {
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  return new SpanClock();
}

/** A promise and what settles it, at a time. */
function event() {
  let resolve = (): void => undefined;
  let reject = (_: Error): void => undefined;
  const promise = new Promise<void>((end, fail) => {
    resolve = end;
    reject = fail;
  });
  const settle = () => new Promise<void>((done) => setImmediate(done));
  return {
    promise,
    end: async (at: number) => {
      now = at;
      resolve();
      await settle();
    },
    fail: async (at: number) => {
      now = at;
      reject(new Error('lost'));
      await settle();
    },
  };
}

describe('spans', () => {
  it('count waits that overlap once, and passes until the last is done', async () => {
    const clock = start();
    const [first, second] = [event(), event()];
    clock.follow(first.promise);
    void clock.wait(first.promise);
    now = 10;
    clock.follow(second.promise);
    void clock.wait(second.promise);
    await first.end(30);
    await second.end(50);
    now = 90;
    expect(clock.take()).toEqual({ encoding: 0, waiting: 50, busy: 50 });
  });

  it('count what is recorded during a wait as recording alone', async () => {
    const clock = start();
    const done = event();
    void clock.wait(done.promise);
    now = 5;
    clock.encode(() => {
      now = 25;
    });
    await done.end(30);
    expect(clock.take()).toEqual({ encoding: 20, waiting: 10, busy: 0 });
  });

  it('are cut where they are taken, and end with a wait that fails', async () => {
    const clock = start();
    const done = event();
    const wait = clock.wait(done.promise).catch(() => 'failed');
    now = 10;
    expect(clock.take().waiting).toBe(10);
    await done.fail(40);
    expect(await wait).toBe('failed');
    now = 100;
    expect(clock.take().waiting).toBe(30);
    expect(clock.take()).toEqual({ encoding: 0, waiting: 0, busy: 0 });
  });
});
