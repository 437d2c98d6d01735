/** One dispatch ready to encode. */
export interface Dispatch {
  /** Op and shader. */
  readonly label: string;
  readonly phase: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Multiply and add counted as two. */
  readonly flops: number;
  /** Of everything that it binds. */
  readonly bytes: number;
}

/** Records dispatches as one compute pass. */
export function encodePass(
  encoder: GPUCommandEncoder,
  dispatches: readonly Dispatch[],
  descriptor: GPUComputePassDescriptor = {},
): void {
  const pass = encoder.beginComputePass(descriptor);
  for (const { pipeline, group, workgroups } of dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
}
