import { encodeTexelCopy, type TexelCopy } from './texels.ts';

/** One dispatch ready to encode. */
export interface Dispatch {
  /** Op and shader. */
  readonly label: string;
  readonly phase: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Made before it. */
  readonly copies?: readonly TexelCopy[];
  /** Multiply and add counted as two. */
  readonly flops: number;
  /** Of everything that it binds. */
  readonly bytes: number;
}

/** Records dispatches as one compute pass, or as several where copies come in between; a descriptor's timestamps span all. */
export function encodePass(
  encoder: GPUCommandEncoder,
  dispatches: readonly Dispatch[],
  descriptor: GPUComputePassDescriptor = {},
): void {
  const starts = dispatches.flatMap(({ copies }, i) => (i === 0 || copies ? [i] : []));
  starts.forEach((start, part) => {
    const end = starts[part + 1] ?? dispatches.length;
    for (const copy of dispatches[start]?.copies ?? []) encodeTexelCopy(encoder, copy);
    const pass = encoder.beginComputePass(partOf(descriptor, part === 0, end === dispatches.length));
    for (const { pipeline, group, workgroups } of dispatches.slice(start, end)) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
  });
}

/** The descriptor with those of its timestamps that belong to the first and to the last of several passes. */
function partOf(
  { timestampWrites, ...rest }: GPUComputePassDescriptor,
  isFirst: boolean,
  isLast: boolean,
): GPUComputePassDescriptor {
  if (!timestampWrites || !(isFirst || isLast)) return rest;
  const { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex } = timestampWrites;
  return {
    ...rest,
    timestampWrites: {
      querySet,
      ...(isFirst && beginningOfPassWriteIndex !== undefined && { beginningOfPassWriteIndex }),
      ...(isLast && endOfPassWriteIndex !== undefined && { endOfPassWriteIndex }),
    },
  };
}
