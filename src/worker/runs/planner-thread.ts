/** The thread that plans runs, so that clicks never wait for it. */
import { servePlanner } from './planner.ts';

servePlanner({
  postMessage: (message) => globalThis.postMessage(message),
  addEventListener: (type, listener) => globalThis.addEventListener(type, listener),
});
