import { expect, it } from 'vitest';
import { type Dispatch, encodePass } from './dispatch.ts';
import type { TexelCopy } from './texels.ts';

/** An encoder that lists what is recorded. */
function listing() {
  const calls: unknown[] = [];
  const encoder = {
    copyBufferToTexture: (
      { offset }: { offset: number },
      { origin }: { origin?: readonly number[] },
      size: readonly number[],
    ) => calls.push({ offset, origin, size }),
    beginComputePass: ({ timestampWrites }: GPUComputePassDescriptor) => {
      const { querySet: _, ...writes } = timestampWrites ?? {};
      calls.push(writes);
      return {
        setPipeline: () => {},
        setBindGroup: () => {},
        dispatchWorkgroups: (x: number) => calls.push(x),
        end: () => calls.push('end'),
      };
    },
  };
  return { calls, encoder: encoder as unknown as GPUCommandEncoder };
}

function dispatch(x: number, copies?: readonly TexelCopy[]): Dispatch {
  return {
    label: 'op:shader',
    phase: 'forward',
    pipeline: {} as GPUComputePipeline,
    group: {} as GPUBindGroup,
    workgroups: [x, 1, 1],
    flops: 0,
    bytes: 0,
    ...(copies && { copies }),
  };
}

const copy = (offset: number, size: number): TexelCopy => ({
  from: { buffer: {} as GPUBuffer, offset, size },
  to: {} as GPUTexture,
});

const timestampWrites = {
  querySet: {} as GPUQuerySet,
  beginningOfPassWriteIndex: 6,
  endOfPassWriteIndex: 7,
};

it('is one pass without copies', () => {
  const { calls, encoder } = listing();
  encodePass(encoder, [dispatch(1), dispatch(2)], { timestampWrites });
  expect(calls).toEqual([{ beginningOfPassWriteIndex: 6, endOfPassWriteIndex: 7 }, 1, 2, 'end']);
});

it('is a pass up to each copy; whole rows are copied, then the rest of the last, and timestamps span all', () => {
  const { calls, encoder } = listing();
  const copies = [copy(256, 2 * 16384 + 64), copy(0, 48)];
  encodePass(encoder, [dispatch(1), dispatch(2, copies), dispatch(3), dispatch(4, [copy(512, 16384)])], {
    timestampWrites,
  });
  expect(calls).toEqual([
    { beginningOfPassWriteIndex: 6 },
    1,
    'end',
    { offset: 256, size: [1024, 2] },
    { offset: 256 + 2 * 16384, origin: [0, 2], size: [4, 1] },
    { offset: 0, origin: [0, 0], size: [3, 1] },
    {},
    2,
    3,
    'end',
    { offset: 512, size: [1024, 1] },
    { endOfPassWriteIndex: 7 },
    4,
    'end',
  ]);
});
