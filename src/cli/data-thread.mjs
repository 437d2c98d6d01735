/**
 * The thread of `openDataThread`: decodes and prepares a run's images. Node gives the loader of TypeScript, which the
 * program was started with, to no thread, so this file registers it.
 */
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { serveData } = await import('../train/data-port.ts');
serveData(workerData);
