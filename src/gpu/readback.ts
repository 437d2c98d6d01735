/** Bytes that are read back in one turn; a longer read takes several. */
export const STAGING_BYTES = 8 * 2 ** 20;
/** Reads that may be under way at once; further ones wait. */
const STAGING_BUFFERS = 2;
/** Bytes of all staging buffers, which a device has from its start to its end. */
export const READBACK_BYTES = STAGING_BUFFERS * STAGING_BYTES;

type BufferRange = Readonly<Required<GPUBufferBinding>>;

/** A part of one range: `bytes` from `offset` on, both multiples of 4. */
interface Piece {
  readonly range: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Copies buffers to the host through a few staging buffers of fixed size, so that no read allocates. */
export class Readback {
  private readonly free: GPUBuffer[] = [];
  private readonly waiting: ((staging: GPUBuffer) => void)[] = [];

  /** @param settled waits for a mapping; throws when the device refused anything until then. */
  constructor(
    private readonly device: GPUDevice,
    private readonly settled: (mapping: Promise<void>) => Promise<void>,
  ) {
    for (let i = 0; i < STAGING_BUFFERS; i++) this.free.push(this.createStaging());
  }

  /** The values of every range. */
  async read(ranges: readonly BufferRange[]): Promise<Float32Array[]> {
    const values = ranges.map(({ size }) => new Float32Array(size / 4));
    for (const turn of turnsOf(ranges)) await this.readTurn(ranges, turn, values);
    return values;
  }

  private async readTurn(
    ranges: readonly BufferRange[],
    turn: readonly Piece[],
    values: readonly Float32Array[],
  ): Promise<void> {
    // Where a buffer is free, the copy is submitted within the call and sees the values of that time.
    const staging = this.free.pop() ?? (await this.nextFree());
    const encoder = this.device.createCommandEncoder();
    let size = 0;
    for (const { range, offset, bytes } of turn) {
      const source = ranges[range];
      if (source) encoder.copyBufferToBuffer(source.buffer, source.offset + offset, staging, size, bytes);
      size += bytes;
    }
    this.device.queue.submit([encoder.finish()]);
    const mappedBytes = Math.max(4, size);
    try {
      await this.settled(staging.mapAsync(1, 0, mappedBytes)); // READ
    } catch (error) {
      // Its state is unknown: it may be invalid, mapped or unmapped.
      staging.destroy();
      this.giveBack(this.createStaging());
      throw error;
    }
    const mapped = staging.getMappedRange(0, mappedBytes);
    let at = 0;
    for (const { range, offset, bytes } of turn) {
      values[range]?.set(new Float32Array(mapped, at, bytes / 4), offset / 4);
      at += bytes;
    }
    staging.unmap();
    this.giveBack(staging);
  }

  private nextFree(): Promise<GPUBuffer> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private giveBack(staging: GPUBuffer): void {
    const next = this.waiting.shift();
    if (next) next(staging);
    else this.free.push(staging);
  }

  private createStaging(): GPUBuffer {
    return this.device.createBuffer({ size: STAGING_BYTES, usage: 0x1 | 0x8, label: 'staging' }); // MAP_READ | COPY_DST
  }
}

/** Cuts ranges into turns of at most {@link STAGING_BYTES}; one that reads nothing where there is nothing to read. */
function turnsOf(ranges: readonly BufferRange[]): Piece[][] {
  const turns: Piece[][] = [[]];
  let room = STAGING_BYTES;
  ranges.forEach(({ size }, range) => {
    for (let offset = 0; offset < size; ) {
      if (room === 0) {
        turns.push([]);
        room = STAGING_BYTES;
      }
      const bytes = Math.min(size - offset, room);
      turns[turns.length - 1]?.push({ range, offset, bytes });
      offset += bytes;
      room -= bytes;
    }
  });
  return turns;
}
