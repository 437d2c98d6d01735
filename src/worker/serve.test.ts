import { expect, test } from 'vitest';
import { Failure } from '../config/failure.ts';
import { CANCELLED, type FromWorker, type ToWorker } from './protocol.ts';
import { type Handlers, serve } from './serve.ts';

/** Serves `data.list` and answers what the page would get for one call, cancelled right away where asked. */
function answerOf(handler: Handlers['data.list'], cancel: boolean): Promise<FromWorker> {
  return new Promise((resolve) => {
    let tell: (event: MessageEvent<ToWorker>) => void = () => undefined;
    serve({ 'data.list': handler } as Partial<Handlers> as Handlers, {
      postMessage: resolve,
      addEventListener: (_, listener) => {
        tell = listener;
      },
    });
    const say = (data: ToWorker): void => tell(new MessageEvent('message', { data }));
    say({ kind: 'call', id: 7, name: 'data.list', request: {} });
    if (cancel) say({ kind: 'cancel', id: 7 });
  });
}

const untilAborted: Handlers['data.list'] = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

test('a cancelled call that kept nothing answers `cancelled`, not a defect', async () => {
  expect(await answerOf(untilAborted, true)).toMatchObject({
    kind: 'answer',
    id: 7,
    result: { ok: false, error: { code: CANCELLED } },
  });
});

test('a failure is answered as it is, with file and cure', async () => {
  const record = {
    code: 'storage/full',
    what: 'There is no room.',
    where: 'a.png',
    cure: 'Delete something.',
  };
  const failing: Handlers['data.list'] = async () => {
    throw new Failure(record);
  };
  expect(await answerOf(failing, false)).toMatchObject({ result: { ok: false, error: record } });
});
