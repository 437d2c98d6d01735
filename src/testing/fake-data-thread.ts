import { vi } from 'vitest';
import { type DataThread, serveData } from '../train/data-port.ts';

/** A data thread that is this one: messages are cloned and buffers handed over, as between threads. */
export function fakeDataThread() {
  const { port1, port2 } = new MessageChannel();
  serveData(port2);
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const end = vi.fn(() => port2.close());
  return { thread: { port: port1, died, end } satisfies DataThread, die, end };
}
