import { expect, test, vi } from 'vitest';
import { connectEngine, type EngineClient, type WorkerPort } from './client.ts';
import type { EngineEvent, FromWorker, Progress, ToWorker } from './protocol.ts';
import { type Handlers, type PagePort, serve } from './serve.ts';

/** A worker-like pair over a real MessageChannel, so that messages are cloned as between page and worker. */
function pair(handlers: Partial<Handlers>): {
  client: EngineClient;
  emit(event: EngineEvent): void;
  fail(): void;
} {
  const { port1, port2 } = new MessageChannel();
  const errors = new Set<(event: Event) => void>();
  const worker: PagePort = {
    postMessage: (message, transfer) => port2.postMessage(message, transfer),
    addEventListener: (_, listener) =>
      port2.addEventListener('message', (event) => listener(event as MessageEvent<ToWorker>)),
  };
  const page: WorkerPort = {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type: string, listener: (event: never) => void) => {
      if (type === 'message')
        port1.addEventListener('message', listener as (event: MessageEvent<FromWorker>) => void);
      else if (type === 'error') errors.add(listener as (event: Event) => void);
    },
    terminate: () => port1.close(),
  };
  const { emit } = serve(handlers as Handlers, worker);
  const client = connectEngine(page);
  port1.start();
  port2.start();
  return {
    client,
    emit,
    fail: () => {
      for (const listener of errors) listener(new Event('error'));
    },
  };
}

test('a call is answered by its handler, with progress on the way', async () => {
  const seen: Progress[] = [];
  const { client } = pair({
    'data.delete': async ({ datasetId }, call) => {
      call.progress({ done: 1, total: 2, label: datasetId });
      return { ok: true, value: {} };
    },
  });
  const result = await client.call(
    'data.delete',
    { datasetId: 'd1' },
    { onProgress: (progress) => seen.push(progress) },
  );
  expect(result).toEqual({ ok: true, value: {} });
  expect(seen).toEqual([{ done: 1, total: 2, label: 'd1' }]);
  client.terminate();
});

test('a handler that throws answers a failure', async () => {
  const { client } = pair({
    'data.list': async () => {
      throw new Error('disk on fire');
    },
  });
  const result = await client.call('data.list', {});
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.error.what).toContain('disk on fire');
  client.terminate();
});

test('aborting reaches the handler', async () => {
  const { client } = pair({
    'data.list': (_, call) =>
      new Promise((resolve) => {
        call.signal.addEventListener('abort', () => resolve({ ok: true, value: [] }));
      }),
  });
  const controller = new AbortController();
  const answer = client.call('data.list', {}, { signal: controller.signal });
  controller.abort();
  expect(await answer).toEqual({ ok: true, value: [] });
  client.terminate();
});

test('events reach every listener until it leaves', async () => {
  const { client, emit } = pair({ 'data.list': async () => ({ ok: true, value: [] }) });
  const seen: EngineEvent[] = [];
  const leave = client.subscribe((event) => seen.push(event));
  emit({ type: 'log', level: 'info', text: 'one' });
  await client.call('data.list', {});
  leave();
  emit({ type: 'log', level: 'info', text: 'two' });
  await client.call('data.list', {});
  expect(seen).toEqual([{ type: 'log', level: 'info', text: 'one' }]);
  client.terminate();
});

test('when the worker dies open and later calls fail, and the page is told', async () => {
  const { client, fail } = pair({ 'data.list': () => new Promise(() => undefined) });
  const ends: string[] = [];
  client.onEnd((failure) => ends.push(failure.what));
  const open = client.call('data.list', {});
  fail();
  expect((await open).ok).toBe(false);
  expect((await client.call('data.list', {})).ok).toBe(false);
  expect(ends).toHaveLength(1);
  client.terminate();
  expect(ends).toHaveLength(1);
});

test('a request that cannot be cloned is an answer, not an exception', async () => {
  const { client } = pair({});
  const result = await client.call('data.delete', { datasetId: (() => 'no') as unknown as string });
  expect(result.ok).toBe(false);
  client.terminate();
});

test('it is quiet once nothing is open and nothing more was asked for a while', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  let answer = (): void => undefined;
  const { client } = pair({
    'data.list': () =>
      new Promise((resolve) => {
        answer = () => resolve({ ok: true, value: [] });
      }),
    'data.broken': async () => ({ ok: true, value: [] }),
  });
  let isQuiet = false;
  void client.quiet(1000).then(() => {
    isQuiet = true;
  });
  const long = client.call('data.list', {});
  await vi.advanceTimersByTimeAsync(5000);
  answer();
  await long;
  expect(isQuiet).toBe(false);
  await client.call('data.broken', {});
  await vi.advanceTimersByTimeAsync(1000);
  expect(isQuiet, 'something was asked meanwhile').toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(isQuiet).toBe(true);
  vi.useRealTimers();
  client.terminate();
});
