import { type Planner, servePlanner, threadPlanner } from '../worker/runs/planner.ts';

/**
 * A planner whose thread is this one: messages are cloned, as between threads.
 * @param onWork told when the thread's end begins and ends to work.
 */
export function localPlanner(onWork: (isBegun: boolean) => void = () => undefined): Planner {
  return threadPlanner(() => {
    const { port1, port2 } = new MessageChannel();
    servePlanner({
      postMessage: (message) => port2.postMessage(message),
      addEventListener: (type, listener) => {
        port2.addEventListener(type, (event) => {
          onWork(true);
          listener(event);
          onWork(false);
        });
      },
    });
    port2.start();
    port1.start();
    return {
      postMessage: (message) => port1.postMessage(message),
      addEventListener: (type: string, listener: (event: never) => void) => {
        port1.addEventListener(type, listener as (event: Event) => void);
      },
      terminate: () => port1.close(),
    };
  });
}
