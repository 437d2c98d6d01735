/** The thread that decodes and prepares a run's images and measures masks on them, so that neither steps nor clicks wait. */
import { serveData } from '../../train/data-port.ts';

globalThis.addEventListener('message', ({ data: port }: MessageEvent<MessagePort>) => serveData(port), {
  once: true,
});
