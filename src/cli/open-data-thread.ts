import { totalmem } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import type { DataThread } from '../train/data-port.ts';
import { cacheBytes } from '../train/training-data.ts';

/** Most bytes of decoded images that a run keeps on this machine. */
export const CLI_CACHE_BYTES = cacheBytes(totalmem());

/** A thread beside the one that talks to the GPU. */
export function openDataThread(): DataThread {
  const { port1, port2 } = new MessageChannel();
  // Node's ports are those of the browser; the compiler has a type for each.
  const transferList = [port2 as unknown as Transferable];
  const worker = new Worker(new URL('data-thread.mjs', import.meta.url), { workerData: port2, transferList });
  const died = new Promise<void>((resolve) => {
    worker.once('error', () => resolve());
    worker.once('exit', () => resolve());
  });
  return { port: port1, died, end: () => void worker.terminate() };
}
