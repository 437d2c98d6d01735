import { expect, test } from 'vitest';
import { GpuQueue } from './gpu-queue.ts';

/** A promise with its handle outside. */
function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

test('work runs one piece at a time, urgent before background', async () => {
  const queue = new GpuQueue();
  const log: string[] = [];
  const first = gate();
  const note = (name: string) => async () => {
    log.push(`${name} starts`);
    await Promise.resolve();
    log.push(`${name} ends`);
  };
  const all = [
    queue.run('background', () => first.passed),
    queue.run('background', note('step')),
    queue.run('urgent', note('click')),
    queue.run('urgent', note('box')),
  ];
  expect(log).toEqual([]);
  first.open();
  await Promise.all(all);
  expect(log).toEqual(['click starts', 'click ends', 'box starts', 'box ends', 'step starts', 'step ends']);
});

test('long work lets urgent work in at its stops, and goes on before other background work', async () => {
  const queue = new GpuQueue();
  const log: string[] = [];
  const held = gate();
  const long = queue.run('background', async (yieldDevice) => {
    await held.passed;
    log.push('image 1');
    await yieldDevice();
    log.push('image 2');
    await yieldDevice();
    log.push('image 3');
  });
  const other = queue.run('background', async () => void log.push('other'));
  const click = queue.run('urgent', async () => void log.push('click'));
  held.open();
  await Promise.all([long, other, click]);
  expect(log).toEqual(['image 1', 'click', 'image 2', 'image 3', 'other']);
});

test('what fails tells its caller and frees the device', async () => {
  const queue = new GpuQueue();
  const failing = queue.run('background', async () => {
    throw new Error('lost');
  });
  const after = queue.run('background', async () => 'fine');
  await expect(failing).rejects.toThrow('lost');
  expect(await after).toBe('fine');
});
