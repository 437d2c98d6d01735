/** The thread that decodes and prepares a run's images, so that neither steps nor clicks wait for them. */
import { serveData } from '../../train/data-port.ts';

globalThis.addEventListener('message', ({ data: port }: MessageEvent<MessagePort>) => serveData(port), {
  once: true,
});
