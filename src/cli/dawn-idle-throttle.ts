/** How long the event loop sleeps between two polls of the device, milliseconds. */
const SLEEP_MS = 1;

const cell = new Int32Array(new SharedArrayBuffer(4));
let awaited = 0;
/** A sleep is due in the next turn: one chain of turns at a time, or sleeps would add up. */
let isSleeping = false;

/**
 * While a promise of the device is pending, Dawn under Node polls the device in every turn of the event loop, which
 * keeps one core busy that a software adapter needs. After this call such a turn sleeps for a millisecond. Dawn's
 * classes must be global.
 */
export function throttleIdleDawn(): void {
  throttle(GPUQueue.prototype, 'onSubmittedWorkDone');
  throttle(GPUBuffer.prototype, 'mapAsync');
  throttle(GPUDevice.prototype, 'createComputePipelineAsync');
}

function throttle(prototype: object, method: string): void {
  const original: unknown = Reflect.get(prototype, method);
  if (typeof original !== 'function') throw new RangeError(`Dawn has no ${method}`);
  Reflect.set(prototype, method, function throttled(this: unknown, ...args: unknown[]): Promise<unknown> {
    const result: Promise<unknown> = Reflect.apply(original, this, args);
    awaited += 1;
    if (!isSleeping) setImmediate(sleep);
    isSleeping = true;
    const settled = () => {
      awaited -= 1;
    };
    result.then(settled, settled);
    return result;
  });
}

function sleep(): void {
  isSleeping = awaited > 0;
  if (!isSleeping) return;
  Atomics.wait(cell, 0, 0, SLEEP_MS);
  setImmediate(sleep);
}
