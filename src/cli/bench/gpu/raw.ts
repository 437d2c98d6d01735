/** What a device can do at best: arithmetic alone, copies alone, and dispatches of nothing. */
import type { Dispatch } from '../../../gpu/dispatch.ts';
import { encodePass } from '../../../gpu/dispatch.ts';
import type { Gpu } from '../../../gpu/gpu.ts';
import { median, type Stopwatch } from './timing.ts';

const THREADS = 256;
/** Multiply-adds of a thread: sums × four components × those of a statement × rounds. */
const SUMS = 8;
/** One in the other, since a software adapter takes longer to store a variable than to compute it. */
const NESTED = 8;

/** Every sum depends on the one before in its own chain alone, so eight are under way at once. */
const ARITHMETIC = `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
override ROUNDS: u32;
// By the built-in, which some compilers do without the hardware's, or by a product and a sum, which others do not fuse.
override FUSED: bool;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let start = out[id.x];
  let b = start * 0.5 + vec4f(0.25);
  ${each((i) => `var s${i} = start + vec4f(${i}.0);`)}
  for (var round = 0u; round < ROUNDS; round++) {
    if (FUSED) {
      ${each((i) => `s${i} = ${nested(`s${i}`, (s) => `fma(${s}, b, start)`)};`)}
    } else {
      ${each((i) => `s${i} = ${nested(`s${i}`, (s) => `(${s} * b + start)`)};`)}
    }
  }
  out[id.x] = ${Array.from({ length: SUMS }, (_, i) => `s${i}`).join(' + ')};
}`;

const COPY = `
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&out); i += groups.x * ${THREADS}u) { out[i] = a[i]; }
}`;

/** Reads one number and writes nothing, which no compiler can know. */
const NOTHING = `
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (out[id.x] == 0xffffffffu) { out[id.x] = 0u; }
}`;

function nested(start: string, wrap: (expression: string) => string): string {
  return Array.from({ length: NESTED }).reduce<string>((expression) => wrap(expression), start);
}

function each(line: (i: number) => string): string {
  return Array.from({ length: SUMS }, (_, i) => line(i)).join('\n    ');
}

async function pipelineOf(gpu: Gpu, label: string, code: string, constants: Record<string, number> = {}) {
  const module = gpu.device.createShaderModule({ label, code });
  return gpu.device.createComputePipelineAsync({ label, layout: 'auto', compute: { module, constants } });
}

/** The most arithmetic and the most traffic that plain WGSL reaches. */
export interface Ceilings {
  readonly gflops: number;
  readonly gbps: number;
}

/** @param size of the work: threads of the arithmetic, and bytes that are copied. */
export async function measureCeilings(
  watch: Stopwatch,
  size: { readonly threads: number; readonly rounds: number; readonly bytes: number },
): Promise<Ceilings> {
  const { gpu } = watch;
  const { threads, rounds } = size;
  const bytes = Math.min(size.bytes, gpu.bufferLimit);
  const sums = gpu.allocate(16 * threads, 'sums');
  const [from, to] = [gpu.allocate(bytes, 'from'), gpu.allocate(bytes, 'to')];
  try {
    const flops = 2 * 4 * SUMS * NESTED * rounds * threads;
    const copy = await pipelineOf(gpu, 'copy', COPY);
    const groups = Math.min(65_535, Math.ceil(bytes / 16 / THREADS));
    const move = dispatchOf(gpu, copy, [from, to], groups, { bytes: 2 * bytes });
    const rates: number[] = [];
    for (const Fused of [0, 1]) {
      const arithmetic = await pipelineOf(gpu, 'arithmetic', ARITHMETIC, { ROUNDS: rounds, FUSED: Fused });
      const sum = dispatchOf(gpu, arithmetic, [sums], threads / THREADS, { flops });
      rates.push(flops / (await watch.microseconds([sum])) / 1e3);
    }
    return { gflops: Math.max(...rates), gbps: (2 * bytes) / (await watch.microseconds([move])) / 1e3 };
  } finally {
    for (const buffer of [sums, from, to]) gpu.release(buffer);
  }
}

/** What `count` dispatches of nothing cost, microseconds for each. */
export interface EmptyDispatches {
  readonly count: number;
  /** Buffers that they bind in turn; one buffer makes each wait for the one before. */
  readonly buffers: number;
  /** On the device. */
  readonly device: number;
  /** Of the host, to record and submit. */
  readonly encoding: number;
  /** From the submit until the device says that all is done. */
  readonly whole: number;
}

export async function measureEmpty(watch: Stopwatch, count: number, buffers: number) {
  const { gpu } = watch;
  const pipeline = await pipelineOf(gpu, 'nothing', NOTHING);
  const own = Array.from({ length: buffers }, (_, i) => gpu.allocate(256, `nothing ${i}`));
  try {
    const one = own.map((buffer) => dispatchOf(gpu, pipeline, [buffer], 1, {}));
    const all = Array.from({ length: count }, (_, i) => one[i % buffers]).flatMap(
      (dispatch) => dispatch ?? [],
    );
    const device = (await watch.microseconds(all)) / count;
    const [encoding, whole]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < 5; turn++) {
      const start = performance.now();
      const encoder = gpu.device.createCommandEncoder();
      encodePass(encoder, all);
      gpu.device.queue.submit([encoder.finish()]);
      encoding.push(performance.now() - start);
      await gpu.device.queue.onSubmittedWorkDone();
      whole.push(performance.now() - start);
    }
    const perDispatch = (ms: readonly number[]) => (1000 * median(ms)) / count;
    const result: EmptyDispatches = {
      count,
      buffers,
      device,
      encoding: perDispatch(encoding),
      whole: perDispatch(whole),
    };
    return result;
  } finally {
    for (const buffer of own) gpu.release(buffer);
  }
}

function dispatchOf(
  gpu: Gpu,
  pipeline: GPUComputePipeline,
  buffers: readonly GPUBuffer[],
  groups: number,
  { flops = 0, bytes = 0 }: { readonly flops?: number; readonly bytes?: number },
): Dispatch {
  const group = gpu.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const label = pipeline.label;
  return { label, phase: 'raw', pipeline, group, workgroups: [groups, 1, 1], flops, bytes };
}
