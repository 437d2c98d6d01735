import type { AdapterTraits } from '../gpu/traits.ts';
import type { Graph, Node, Tensor } from './graph.ts';
import type { Binding, Pass } from './op.ts';
import { sizeOf } from './shape.ts';

/** Where a bound tensor lives: an outside buffer by the input's name, or a slot of the pool. */
export type Home = { readonly input: string } | { readonly slot: number };

/** A pass with its tensors placed. `bytes[i]` is the size of binding `i`. */
export interface PlannedPass {
  readonly label: string;
  readonly phase: string;
  readonly pass: Pass;
  readonly homes: readonly Home[];
  readonly bytes: readonly number[];
}

/** Everything a graph needs to run, known before anything runs. */
export interface Plan {
  readonly passes: readonly PlannedPass[];
  /** Bytes of every slot of the pool. Slots are whole buffers: WebGPU refuses one buffer as both read and written in a dispatch. */
  readonly slotBytes: readonly number[];
  /** Peak of the pool in bytes: the sum of the slots. Outside buffers are not counted. */
  readonly poolBytes: number;
  /** Homes of the graph's outputs by name. */
  readonly outputs: ReadonlyMap<string, { readonly home: Home; readonly bytes: number }>;
  /** Outside buffers by name with the bytes that they must have. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly flops: number;
}

/** Drops what no output and no mutation depends on, then gives every remaining value a slot for the time it lives. */
export function planGraph(graph: Graph, traits: AdapterTraits): Plan {
  const nodes = liveNodes(graph);
  const lastUse = lastUses(graph, nodes);
  const inputNames = new Map([...graph.inputs].map(([name, tensor]) => [tensor.id, name]));
  const slots = new SlotAllocator();
  const homes = new Map<number, Home>();
  const homeOf = (tensor: Tensor): Home => {
    const name = inputNames.get(tensor.root.id);
    const home = name === undefined ? homes.get(tensor.root.id) : { input: name };
    if (!home) throw new RangeError('a tensor is used before it is made');
    return home;
  };
  const passes: PlannedPass[] = [];
  const usedInputs = new Map<string, number>();
  nodes.forEach((node, time) => {
    const context = {
      inputs: node.inputs.map((tensor) => tensor?.shape ?? null),
      outputs: node.outputs.map((tensor) => tensor.shape),
      attrs: node.attrs,
      traits,
    };
    for (const tensor of node.inputs) {
      const name = tensor ? inputNames.get(tensor.root.id) : undefined;
      if (tensor && name !== undefined) usedInputs.set(name, bytesOf(tensor.root.shape));
    }
    for (const tensor of node.outputs) homes.set(tensor.id, { slot: slots.take(bytesOf(tensor.shape)) });
    const scratch = (node.op.scratch?.(context) ?? []).map((shape) => ({
      shape,
      slot: slots.take(bytesOf(shape)),
    }));
    const place = (binding: Binding): { home: Home; bytes: number } => {
      if ('scratch' in binding) {
        const temporary = scratch[binding.scratch];
        if (!temporary) throw new RangeError(`${node.op.name}: no scratch ${binding.scratch}`);
        return { home: { slot: temporary.slot }, bytes: bytesOf(temporary.shape) };
      }
      const tensor = 'input' in binding ? node.inputs[binding.input] : node.outputs[binding.output];
      if (!tensor)
        throw new RangeError(
          `${node.op.name}: binds a tensor that is not there (${JSON.stringify(binding)})`,
        );
      return { home: homeOf(tensor), bytes: bytesOf(tensor.shape) };
    };
    for (const pass of node.op.passes(context)) {
      const placed = pass.bindings.map(place);
      passes.push({
        label: `${node.op.name}:${pass.shader}`,
        phase: node.phase,
        pass,
        homes: placed.map((p) => p.home),
        bytes: placed.map((p) => p.bytes),
      });
    }
    for (const temporary of scratch) slots.give(temporary.slot);
    for (const id of lastUse.get(time) ?? []) {
      const home = homes.get(id);
      if (home && 'slot' in home) slots.give(home.slot);
    }
  });
  const outputs = new Map(
    [...graph.outputs].map(([name, tensor]) => {
      const input = inputNames.get(tensor.root.id);
      if (input !== undefined) usedInputs.set(input, bytesOf(tensor.root.shape));
      return [name, { home: homeOf(tensor), bytes: bytesOf(tensor.shape) }];
    }),
  );
  return {
    passes,
    slotBytes: slots.bytes,
    poolBytes: slots.bytes.reduce((sum, bytes) => sum + bytes, 0),
    outputs,
    inputs: usedInputs,
    flops: passes.reduce((sum, { pass }) => sum + pass.flops, 0),
  };
}

function bytesOf(shape: readonly number[]): number {
  return 4 * sizeOf(shape);
}

function liveNodes(graph: Graph): Node[] {
  const wanted = new Set([...graph.outputs.values()].map((tensor) => tensor.root.id));
  const live: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.op.mutates && !node.outputs.some((tensor) => wanted.has(tensor.id))) continue;
    live.push(node);
    for (const tensor of node.inputs) if (tensor) wanted.add(tensor.root.id);
  }
  return live.reverse();
}

/** For each node, the ids of the values that nobody needs after it. Outputs of the graph never end. */
function lastUses(graph: Graph, nodes: readonly Node[]): Map<number, number[]> {
  const last = new Map<number, number>();
  nodes.forEach((node, time) => {
    for (const tensor of node.outputs) last.set(tensor.id, time);
    for (const tensor of node.inputs) if (tensor) last.set(tensor.root.id, time);
  });
  for (const tensor of graph.outputs.values()) last.delete(tensor.root.id);
  const ending = new Map<number, number[]>();
  for (const [id, time] of last) ending.set(time, [...(ending.get(time) ?? []), id]);
  return ending;
}

/** Best fit over free slots; when none is large enough, the largest free one grows. */
class SlotAllocator {
  readonly bytes: number[] = [];
  private readonly free = new Set<number>();

  take(bytes: number): number {
    let fit = -1;
    let largest = -1;
    for (const slot of this.free) {
      const size = this.bytes[slot] ?? 0;
      if (size >= bytes && (fit < 0 || size < (this.bytes[fit] ?? 0))) fit = slot;
      if (largest < 0 || size > (this.bytes[largest] ?? 0)) largest = slot;
    }
    let slot = fit >= 0 ? fit : largest;
    if (slot < 0) slot = this.bytes.push(0) - 1;
    this.free.delete(slot);
    this.bytes[slot] = Math.max(this.bytes[slot] ?? 0, bytes);
    return slot;
  }

  give(slot: number): void {
    this.free.add(slot);
  }
}
