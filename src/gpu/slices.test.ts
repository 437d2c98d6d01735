import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dispatch } from './dispatch.ts';
import { SliceSubmitter } from './slices.ts';

afterEach(() => vi.restoreAllMocks());

/** A device that records the dispatches of every submit and ends each when it is told to. */
function fakeDevice(latency = 0) {
  const submits: number[][] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const device = {
    createCommandEncoder: () => {
      const recorded: number[] = [];
      return {
        beginComputePass: () => ({
          setPipeline: () => {},
          setBindGroup: () => {},
          dispatchWorkgroups: (x: number) => recorded.push(x),
          end: () => {},
        }),
        finish: () => recorded,
      };
    },
    queue: {
      submit: (buffers: number[][]) => submits.push(...buffers),
      onSubmittedWorkDone: () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
    },
  };
  return { submits, ends, submitter: new SliceSubmitter(device as unknown as GPUDevice, undefined, latency) };
}

/** Dispatches that can be told apart by their workgroups. */
function dispatches(count: number, flops: number): Dispatch[] {
  const [pipeline, group] = [{} as GPUComputePipeline, {} as GPUBindGroup];
  return Array.from({ length: count }, (_, i) => ({
    label: 'op:shader',
    phase: 'forward',
    pipeline,
    group,
    workgroups: [i, 1, 1],
    flops,
    bytes: 0,
  }));
}

/** Lets everything run that waits for no more than settled promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Ends submits one by one until `run` is over, each `ms` after it was made. */
async function finish({ ends }: ReturnType<typeof fakeDevice>, run: Promise<void>, ms = 60): Promise<void> {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  let isOver = false;
  const over = run.then(() => {
    isOver = true;
  });
  for (let i = 0; !isOver || i < ends.length; i++) {
    now += ms;
    ends[i]?.resolve();
    await settle();
  }
  await over;
}

describe('submits', () => {
  it('hold many cheap dispatches, in order', async () => {
    const fake = fakeDevice();
    await fake.submitter.submit(dispatches(100, 0));
    expect(fake.submits).toEqual([Array.from({ length: 100 }, (_, i) => i)]);
  });

  it('are cut where they would take longer than 60 ms at the speed that is assumed at first', async () => {
    const fake = fakeDevice();
    await finish(fake, fake.submitter.submit(dispatches(5, 1e8)));
    expect(fake.submits).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('tell the best rate that was reached, by work long enough to be timed', async () => {
    const bestOf = async (count: number, ms: number, latency = 0) => {
      const fake = fakeDevice(latency);
      expect(fake.submitter.bestRate).toBeNull();
      vi.spyOn(performance, 'now').mockReturnValue(0);
      await finish(fake, fake.submitter.submit(dispatches(count, 1e9)), ms);
      return fake.submitter.bestRate;
    };
    expect(await bestOf(1, 1), 'a millisecond is no measure').toBeNull();
    expect(await bestOf(1, 100)).toBeCloseTo(1e10, -8);
    expect(await bestOf(2, 100), 'two without a pause').toBeCloseTo(1e10, -8);
    expect(await bestOf(2, 100, 100), 'too short beside what is lost for its notice').toBeNull();
    expect(await bestOf(10, 100, 100)).toBeCloseTo(1e10 / 0.95, -8);
  });

  it('of several calls are never more than two, and background work gives way before each', async () => {
    const { submitter, submits, ends } = fakeDevice();
    const order: string[] = [];
    submitter.between = async () => {
      order.push(`others after ${submits.length}`);
      await submitter.submit(dispatches(1, 0));
    };
    let isOver = false;
    const own = submitter.submit(dispatches(1, 1e12)).then(() => {
      isOver = true;
    });
    await settle();
    expect(order, 'what others submit gives no way itself').toEqual(['others after 0']);
    expect(submits).toHaveLength(2);
    expect(isOver, 'two are running').toBe(false);
    ends[0]?.resolve();
    await own;
  });

  it('hold at least one dispatch, however long it takes', async () => {
    const fake = fakeDevice();
    await finish(fake, fake.submitter.submit(dispatches(3, 1e12)));
    expect(fake.submits).toEqual([[0], [1], [2]]);
  });

  it('are two in the queue at most, and the caller waits for all but the last', async () => {
    const fake = fakeDevice();
    let isOver = false;
    const run = fake.submitter.submit(dispatches(4, 1e12)).then(() => {
      isOver = true;
    });
    for (let ended = 0; ended < 3; ended++) {
      await settle();
      expect([fake.submits.length, isOver]).toEqual([Math.min(4, ended + 2), false]);
      fake.ends[ended]?.resolve();
    }
    await run;
    expect(fake.submits).toHaveLength(4);
  });

  it('grow on a fast device and shrink on a slow one', async () => {
    const lengthAfter = async (ms: number) => {
      const fake = fakeDevice();
      for (let i = 0; i < 20; i++) await finish(fake, fake.submitter.submit(dispatches(1, 1e8)), ms);
      await finish(fake, fake.submitter.submit(dispatches(400, 1e7)), ms);
      return fake.submits[20]?.length ?? 0;
    };
    expect(await lengthAfter(5)).toBeGreaterThan(100);
    expect(await lengthAfter(500)).toBeLessThan(5);
  });

  it('stay few where ends become known ten times a second', async () => {
    const [tick, speed, flops, count] = [100, 1e9, 1e8, 800];
    const fake = fakeDevice(tick);
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const endsAt: number[] = [];
    const runOnce = async (): Promise<number> => {
      const start = now;
      let isOver = false;
      const run = fake.submitter.submit(dispatches(count, flops)).then(() => {
        isOver = true;
      });
      await settle();
      while (!isOver || endsAt.length < fake.submits.length) {
        for (let i = endsAt.length; i < fake.submits.length; i++)
          endsAt.push(Math.max(now, endsAt[i - 1] ?? 0) + ((fake.submits[i]?.length ?? 0) * flops) / speed);
        now += tick;
        fake.ends.forEach(({ resolve }, i) => {
          if ((endsAt[i] ?? now + 1) <= now) resolve();
        });
        await settle();
      }
      await run;
      return now - start;
    };
    for (let i = 0; i < 12; i++) await runOnce();
    const before = fake.submits.length;
    // The device is busy for 80 ms.
    expect(await runOnce()).toBeLessThanOrEqual(2 * tick);
    expect(fake.submits.length - before).toBeLessThanOrEqual(3);
  });

  it('end without a word when the device is lost, since who reads the results is told', async () => {
    const fake = fakeDevice();
    const run = fake.submitter.submit(dispatches(3, 1e12));
    for (let i = 0; i < 3; i++) {
      await settle();
      fake.ends[i]?.reject(new Error('lost'));
    }
    await expect(run).resolves.toBeUndefined();
  });
});
