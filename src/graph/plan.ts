import type { AdapterTraits } from '../gpu/traits.ts';
import type { Graph, Node, Tensor } from './graph.ts';
import type { Binding, Pass } from './op.ts';
import { sizeOf } from './shape.ts';
import { assignSlots } from './slots.ts';

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
  const steps = liveNodes(graph).map((node): Step => {
    const context = {
      inputs: node.inputs.map((tensor) => tensor?.shape ?? null),
      outputs: node.outputs.map((tensor) => tensor.shape),
      attrs: node.attrs,
      traits,
    };
    return {
      node,
      passes: node.op.passes(context),
      scratchBytes: (node.op.scratch?.(context) ?? []).map(bytesOf),
    };
  });
  const inputNames = new Map([...graph.inputs].map(([name, tensor]) => [tensor.id, name]));
  const { slotBytes, homes, scratch } = placeValues(graph, steps);
  const homeOf = (tensor: Tensor): Home => {
    const name = inputNames.get(tensor.root.id);
    const home = name === undefined ? homes.get(tensor.root.id) : { input: name };
    if (!home) throw new RangeError('a tensor is used before it is made');
    return home;
  };
  const usedInputs = new Map<string, number>();
  const passes = steps.flatMap(({ node, passes: own, scratchBytes }, time): PlannedPass[] => {
    for (const tensor of node.inputs) {
      const name = tensor ? inputNames.get(tensor.root.id) : undefined;
      if (tensor && name !== undefined) usedInputs.set(name, bytesOf(tensor.root.shape));
    }
    const place = (binding: Binding): { home: Home; bytes: number } => {
      if ('scratch' in binding) {
        const home = scratch[time]?.[binding.scratch];
        if (!home) throw new RangeError(`${node.op.name}: no scratch ${binding.scratch}`);
        return { home, bytes: scratchBytes[binding.scratch] ?? 0 };
      }
      const tensor = 'input' in binding ? node.inputs[binding.input] : node.outputs[binding.output];
      if (!tensor)
        throw new RangeError(
          `${node.op.name}: binds a tensor that is not there (${JSON.stringify(binding)})`,
        );
      return { home: homeOf(tensor), bytes: bytesOf(tensor.shape) };
    };
    return own.map((pass) => {
      const placed = pass.bindings.map(place);
      return {
        label: `${node.op.name}:${pass.shader}`,
        phase: node.phase,
        pass,
        homes: placed.map((p) => p.home),
        bytes: placed.map((p) => p.bytes),
      };
    });
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
    slotBytes,
    poolBytes: slotBytes.reduce((sum, bytes) => sum + bytes, 0),
    outputs,
    inputs: usedInputs,
    flops: passes.reduce((sum, { pass }) => sum + pass.flops, 0),
  };
}

/** A node with what it runs and needs for itself. */
interface Step {
  readonly node: Node;
  readonly passes: readonly Pass[];
  readonly scratchBytes: readonly number[];
}

/** Slots for all values and temporaries, by how long each lives. */
function placeValues(graph: Graph, steps: readonly Step[]) {
  const lastUse = lastUses(
    graph,
    steps.map(({ node }) => node),
  );
  const values = steps.flatMap(({ node }, start) =>
    node.outputs.map((tensor) => ({
      id: tensor.id,
      bytes: bytesOf(tensor.shape),
      start,
      end: lastUse.get(tensor.id) ?? start,
    })),
  );
  const temporaries = steps.flatMap(({ scratchBytes }, start) =>
    scratchBytes.map((bytes) => ({ bytes, start, end: start })),
  );
  const { slotBytes, slots } = assignSlots([...values, ...temporaries]);
  const homeOf = (i: number): Home => ({ slot: slots[i] ?? 0 });
  const homes = new Map(values.map(({ id }, i) => [id, homeOf(i)]));
  let next = values.length;
  const scratch = steps.map(({ scratchBytes }) => scratchBytes.map(() => homeOf(next++)));
  return { slotBytes, homes, scratch };
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

/** The last node that needs each value, by the value's id. Outputs of the graph never end. */
function lastUses(graph: Graph, nodes: readonly Node[]): Map<number, number> {
  const last = new Map<number, number>();
  nodes.forEach((node, time) => {
    for (const tensor of node.outputs) last.set(tensor.id, time);
    for (const tensor of node.inputs) if (tensor) last.set(tensor.root.id, time);
  });
  for (const tensor of graph.outputs.values()) last.set(tensor.root.id, Number.POSITIVE_INFINITY);
  return last;
}
