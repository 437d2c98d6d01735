import { Failure } from '../config/failure.ts';
import type { Dispatch } from '../gpu/dispatch.ts';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { PARAMS_BINDING } from '../gpu/params.ts';
import type { Home, Plan } from './plan.ts';

/** Buffers for the slots, and textures, of one or several plans that never run at the same time and keep nothing for each other. */
export class Pool {
  private constructor(
    readonly buffers: readonly GPUBuffer[],
    /** What passes read their operands from, by the operand's position. */
    readonly texels: readonly GPUTexture[],
    private readonly gpu: Gpu,
  ) {}

  /** Allocates as many buffers as the plan with the most slots has, each as large as the plans need. */
  static allocate(gpu: Gpu, plans: readonly Plan[], label: string): Pool {
    const texels = Pool.texelSizes(plans).map((bytes, i) =>
      gpu.allocateTexels(bytes, `${label}, operand ${i}`),
    );
    const buffers = Pool.sizes(plans).map((bytes, i) => gpu.allocate(bytes, `${label} ${i}`));
    return new Pool(buffers, texels, gpu);
  }

  /** Bytes of the buffers that {@link allocate} would make, largest first. */
  static sizes(plans: readonly Plan[]): number[] {
    const sizes: number[] = [];
    for (const plan of plans) {
      [...plan.slotBytes]
        .sort((a, b) => b - a)
        .forEach((bytes, i) => {
          sizes[i] = Math.max(sizes[i] ?? 0, bytes);
        });
    }
    return sizes;
  }

  /** Bytes of the textures that {@link allocate} would make, by the operand's position. */
  static texelSizes(plans: readonly Plan[]): number[] {
    const sizes: number[] = [];
    for (const { texelBytes } of plans)
      texelBytes.forEach((bytes, i) => {
        sizes[i] = Math.max(sizes[i] ?? 0, bytes);
      });
    return sizes;
  }

  /** Whether plans can run in what there is. */
  fits(plans: readonly Plan[]): boolean {
    return (
      Pool.sizes(plans).every((bytes, i) => (this.buffers[i]?.size ?? 0) >= bytes) &&
      Pool.texelSizes(plans).every((bytes, i) => capacityOf(this.texels[i]) >= bytes)
    );
  }

  /** The buffers for one plan's slots: its largest slot gets the largest buffer, and so on. */
  slotsOf(plan: Plan): GPUBuffer[] {
    const order = plan.slotBytes.map((bytes, slot) => ({ bytes, slot })).sort((a, b) => b.bytes - a.bytes);
    const bySlot: GPUBuffer[] = [];
    order.forEach(({ slot }, i) => {
      const buffer = this.buffers[i];
      if (!buffer) throw new RangeError('the pool was allocated for other plans');
      bySlot[slot] = buffer;
    });
    return bySlot;
  }

  release(): void {
    for (const buffer of this.buffers) this.gpu.release(buffer);
    for (const texture of this.texels) this.gpu.releaseTexels(texture);
  }
}

function capacityOf(texture: GPUTexture | undefined): number {
  return texture ? 16 * texture.width * texture.height : 0;
}

/** Finds the outside buffer of an input by its name. */
export type FindRange = (input: string) => BufferRange | undefined;

/**
 * A plan with compiled pipelines and bound buffers. Running it creates no buffer, no pipeline and no bind group.
 */
export class Executable {
  private constructor(
    private readonly gpu: Gpu,
    readonly plan: Plan,
    /** What it runs, in order. */
    readonly commands: readonly Dispatch[],
    private readonly resolve: (home: Home, bytes: number) => BufferRange,
  ) {}

  /**
   * Compiles and binds.
   * @param find gives a range for every outside buffer that the plan names.
   * @throws Failure `graph/unbound` when one is missing or too small.
   */
  static async create(gpu: Gpu, plan: Plan, pool: Pool, find: FindRange): Promise<Executable> {
    const slots = pool.slotsOf(plan);
    const resolve = (home: Home, bytes: number): BufferRange => {
      const range =
        'input' in home ? find(home.input) : { buffer: slots[home.slot], offset: home.offset, size: bytes };
      if (!range?.buffer || range.size < bytes) {
        throw new Failure({
          code: 'graph/unbound',
          what: `A buffer of ${bytes} bytes is needed and ${range?.buffer ? `one of ${range.size} is bound` : 'none is bound'}.`,
          where: 'input' in home ? home.input : `slot ${home.slot}`,
          cure: 'This is a defect of the program: bind every input of the graph.',
        });
      }
      return { buffer: range.buffer, offset: range.offset, size: bytes };
    };
    const pipelines = await Promise.all(plan.passes.map(({ pass }) => gpu.pipelines.get(pass)));
    const commands = plan.passes.map((planned, i): Dispatch => {
      const pipeline = pipelines[i];
      if (!pipeline) throw new RangeError('a pipeline is missing');
      const ranges = planned.homes.map((home, binding) => resolve(home, planned.bytes[binding] ?? 0));
      const copies = (planned.pass.texels?.copied ?? []).map((binding, operand) => {
        const [from, to] = [ranges[binding], pool.texels[operand]];
        if (!from || !to) throw new RangeError(`${planned.label}: no texture for binding ${binding}`);
        return { from, to };
      });
      const resources = [
        ...ranges,
        ...copies.map(({ to }) => to.createView()),
        ...(copies.length > 0 ? [gpu.texelSampler] : []),
      ];
      const { shader, params } = planned.pass;
      const group = gpu.device.createBindGroup({
        label: planned.label,
        layout: pipeline.getBindGroupLayout(0),
        entries: [
          ...resources.map((resource, binding) => ({ binding, resource })),
          ...(params
            ? [{ binding: PARAMS_BINDING, resource: gpu.params.get(gpu.shaders.source(shader), params) }]
            : []),
        ],
      });
      return {
        label: planned.label,
        phase: planned.phase,
        pipeline,
        group,
        workgroups: planned.pass.workgroups,
        ...(copies.length > 0 && { copies }),
        flops: planned.pass.flops,
        bytes: planned.bytes.reduce((sum, bytes) => sum + bytes, 0),
      };
    });
    return new Executable(gpu, plan, commands, resolve);
  }

  /** Where an output of the graph stands after a run. */
  output(name: string): BufferRange {
    const output = this.plan.outputs.get(name);
    if (!output)
      throw new RangeError(
        `the graph has no output ${name}; it has ${[...this.plan.outputs.keys()].join(', ')}`,
      );
    return this.resolve(output.home, output.bytes);
  }

  /**
   * Submits every pass, or those of some phases, in slices short enough for a GPU's watchdog.
   * Resolves when all but the last slices have run; reading an output waits for the rest.
   */
  async run(...phases: readonly string[]): Promise<void> {
    const commands =
      phases.length === 0 ? this.commands : this.commands.filter(({ phase }) => phases.includes(phase));
    await this.gpu.slices.submit(commands);
  }
}
