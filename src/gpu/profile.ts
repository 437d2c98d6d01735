import { type Dispatch, encodePass } from './dispatch.ts';

/** By which clock passes were timed: the device's own, or the host's, each pass submitted and awaited alone. */
export type ProfileClock = 'timestamps' | 'fences';

/** One pass, timed alone. */
export interface PassTime {
  /** Op and shader. */
  readonly label: string;
  readonly phase: string;
  readonly microseconds: number;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Multiply and add counted as two. */
  readonly flops: number;
  /** Of everything that it binds. */
  readonly bytes: number;
}

/** All passes that ran while a profile was taken, in order. */
export interface PassProfile {
  readonly clock: ProfileClock;
  readonly passes: readonly PassTime[];
}

/** Passes of one kind together. */
export interface PassGroup {
  readonly label: string;
  readonly count: number;
  readonly microseconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Passes that are timed at once: two timestamps each, in a query set of at most 4,096. */
export const PASSES_AT_ONCE = 256;
const RESOLVED_BYTES = 2 * 8 * PASSES_AT_ONCE;

interface Queries {
  readonly set: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
}

/** Times groups of dispatches, each group in a compute pass of its own. */
export class PassTimer {
  readonly clock: ProfileClock;
  private readonly queries: Queries | null;

  /** Bytes of the buffers that it has. */
  readonly bytes: number;

  constructor(private readonly device: GPUDevice) {
    const hasTimestamps = device.features.has('timestamp-query');
    this.clock = hasTimestamps ? 'timestamps' : 'fences';
    this.bytes = hasTimestamps ? 2 * RESOLVED_BYTES : 0;
    this.queries = hasTimestamps
      ? {
          set: device.createQuerySet({ type: 'timestamp', count: 2 * PASSES_AT_ONCE }),
          // QUERY_RESOLVE | COPY_SRC, MAP_READ | COPY_DST
          resolved: device.createBuffer({ size: RESOLVED_BYTES, usage: 0x200 | 0x4, label: 'timestamps' }),
          staging: device.createBuffer({ size: RESOLVED_BYTES, usage: 0x1 | 0x8, label: 'timestamps' }),
        }
      : null;
  }

  /**
   * Runs every group and waits for all. Microseconds of each; without timestamps they contain a submit and a wait.
   * @param groups at most {@link PASSES_AT_ONCE}.
   */
  async time(groups: readonly (readonly Dispatch[])[]): Promise<number[]> {
    if (groups.length > PASSES_AT_ONCE) throw new RangeError(`${groups.length} passes are too many at once`);
    return this.queries ? this.byTimestamps(groups, this.queries) : this.byFences(groups);
  }

  release(): void {
    this.queries?.set.destroy();
    this.queries?.resolved.destroy();
    this.queries?.staging.destroy();
  }

  private async byTimestamps(
    groups: readonly (readonly Dispatch[])[],
    { set, resolved, staging }: Queries,
  ): Promise<number[]> {
    const encoder = this.device.createCommandEncoder();
    groups.forEach((group, i) => {
      const timestampWrites = {
        querySet: set,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      };
      encodePass(encoder, group, { timestampWrites });
    });
    encoder.resolveQuerySet(set, 0, 2 * groups.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, RESOLVED_BYTES);
    this.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(1); // READ
    const nanoseconds = new BigInt64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    // Where the clock of a device jumps, a pass may seem to end before it begins.
    return groups.map((_, i) =>
      Math.max(0, Number((nanoseconds[2 * i + 1] ?? 0n) - (nanoseconds[2 * i] ?? 0n)) / 1000),
    );
  }

  private async byFences(groups: readonly (readonly Dispatch[])[]): Promise<number[]> {
    const times: number[] = [];
    for (const group of groups) {
      const encoder = this.device.createCommandEncoder();
      encodePass(encoder, group);
      const start = performance.now();
      this.device.queue.submit([encoder.finish()]);
      await this.device.queue.onSubmittedWorkDone();
      times.push(1000 * (performance.now() - start));
    }
    return times;
  }
}

/** Sums by kind, the longest first. @param kindOf passes of equal kinds are added up. */
export function groupPasses(
  passes: readonly PassTime[],
  kindOf: (pass: PassTime) => string = ({ label }) => label,
): PassGroup[] {
  const groups = new Map<string, PassGroup>();
  for (const pass of passes) {
    const label = kindOf(pass);
    const { count, microseconds, flops, bytes } = groups.get(label) ?? NO_PASS;
    groups.set(label, {
      label,
      count: count + 1,
      microseconds: microseconds + pass.microseconds,
      flops: flops + pass.flops,
      bytes: bytes + pass.bytes,
    });
  }
  return [...groups.values()].sort((a, b) => b.microseconds - a.microseconds);
}

const NO_PASS = { count: 0, microseconds: 0, flops: 0, bytes: 0 } as const;
