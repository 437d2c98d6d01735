/** Longest time that the event loop stands still between two looks at the device, milliseconds. */
const REST_MS = 1;

const cell = new Int32Array(new SharedArrayBuffer(4));
let awaited = 0;
/** A rest is due in the next turn: one chain of turns at a time, or rests would add up. */
let isResting = false;

/**
 * Dawn under Node asks the device for news in every turn of the event loop while a promise of it is open, which keeps one core
 * busy that a software adapter computes with. Once this is called, a turn rests for a millisecond while the device is awaited.
 * Dawn's classes must be global.
 */
export function throttleIdleDawn(): void {
  pace(GPUQueue.prototype, 'onSubmittedWorkDone');
  pace(GPUBuffer.prototype, 'mapAsync');
  pace(GPUDevice.prototype, 'createComputePipelineAsync');
}

function pace(prototype: object, method: string): void {
  const original: unknown = Reflect.get(prototype, method);
  if (typeof original !== 'function') throw new RangeError(`Dawn has no ${method}`);
  Reflect.set(prototype, method, function paced(this: unknown, ...args: unknown[]): Promise<unknown> {
    const result: Promise<unknown> = Reflect.apply(original, this, args);
    awaited += 1;
    if (!isResting) setImmediate(rest);
    isResting = true;
    const settled = () => {
      awaited -= 1;
    };
    result.then(settled, settled);
    return result;
  });
}

function rest(): void {
  isResting = awaited > 0;
  if (!isResting) return;
  Atomics.wait(cell, 0, 0, REST_MS);
  setImmediate(rest);
}
