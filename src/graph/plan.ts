import type { AdapterTraits } from '../gpu/traits.ts';
import type { Graph, Node, Tensor } from './graph.ts';
import type { Attributes, Binding, Pass, PassContext } from './pass.ts';
import { type Shape, sizeOf } from './shape.ts';
import { assignSlots, type Lifetime } from './slots.ts';

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

/** Everything a graph needs to run, known before anything runs; plain data once its passes are made. */
export interface Plan {
  /**
   * Made at first use: the memory that a plan needs is known without them, and few of many plans may ever run. A copy
   * of the plan (`{ ...plan }`) holds them, so that another thread can run what this one has planned.
   */
  readonly passes: readonly PlannedPass[];
  /**
   * Bytes of every slot. A slot is a whole buffer, since WebGPU refuses to read and write one buffer in a dispatch.
   */
  readonly slotBytes: readonly number[];
  /** Peak of the pool in bytes: the sum of the slots. Outside buffers are not counted. */
  readonly poolBytes: number;
  /** Homes of the graph's outputs by name. */
  readonly outputs: ReadonlyMap<string, Placed>;
  /** Outside buffers by name with the bytes that they must have. */
  readonly inputs: ReadonlyMap<string, number>;
}

/**
 * Drops what no output and no mutation depends on, then gives every remaining value a slot for the time it lives.
 * The graph must not change afterwards, since {@link Plan.passes} are made from it at their first use.
 */
export function planGraph(graph: Graph, traits: AdapterTraits): Plan {
  const steps = liveSteps(graph, traits);
  const { slotBytes, homes, scratchHomes } = placeValues(graph, steps);
  const inputNames = new Map<number, string>();
  for (const [name, { id }] of graph.inputs) {
    inputNames.set(id, name);
    homes.set(id, { input: name });
  }
  const inputs = new Map<string, number>();
  const use = ({ root }: Tensor): Home => {
    const name = inputNames.get(root.id);
    if (name !== undefined) inputs.set(name, bytesOf(root.shape));
    const home = homes.get(root.id);
    if (!home) throw new RangeError('a tensor is used before it is made');
    return home;
  };
  for (const { node } of steps) for (const tensor of node.inputs) if (tensor) use(tensor);
  const outputs = new Map<string, Placed>();
  for (const [name, tensor] of graph.outputs)
    outputs.set(name, { home: use(tensor), bytes: bytesOf(tensor.shape) });
  let passes: readonly PlannedPass[] | null = null;
  return {
    get passes() {
      passes ??= steps.flatMap((step, time) => placePasses(step, scratchHomes[time] ?? [], homes));
      return passes;
    },
    slotBytes,
    poolBytes: sum(slotBytes),
    outputs,
    inputs,
  };
}

/** A node that is needed, with what its op asks to make its passes. */
interface Step {
  readonly node: Node;
  readonly context: PassContext<Attributes>;
  readonly scratchBytes: readonly number[];
}

/** The nodes that an output or a mutation depends on, in order. */
function liveSteps(graph: Graph, traits: AdapterTraits): Step[] {
  const wanted = new Set<number>();
  for (const { root } of graph.outputs.values()) wanted.add(root.id);
  const live: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.op.mutates && !node.outputs.some(({ id }) => wanted.has(id))) continue;
    live.push(node);
    for (const tensor of node.inputs) if (tensor) wanted.add(tensor.root.id);
  }
  return live.reverse().map((node) => {
    const context = {
      inputs: node.inputs.map((tensor) => tensor?.shape ?? null),
      outputs: node.outputs.map(({ shape }) => shape),
      attrs: node.attrs,
      traits,
    };
    return { node, context, scratchBytes: (node.op.scratch?.(context) ?? []).map(bytesOf) };
  });
}

/** Slots for all values and temporaries, by how long each lives; homes of the values by their ids. */
function placeValues(graph: Graph, steps: readonly Step[]) {
  const lastUse = lastUses(graph, steps);
  const lifetimes: Lifetime[] = [];
  const ids: number[] = [];
  steps.forEach(({ node }, start) => {
    for (const { id, shape } of node.outputs) {
      ids.push(id);
      lifetimes.push({ bytes: bytesOf(shape), start, end: lastUse.get(id) ?? start });
    }
  });
  steps.forEach(({ scratchBytes }, time) => {
    for (const bytes of scratchBytes) lifetimes.push({ bytes, start: time, end: time });
  });
  const { slotBytes, slots } = assignSlots(lifetimes);
  const slotHomes = slotBytes.map((_, slot): Home => ({ slot }));
  const homeOf = (i: number): Home => slotHomes[slots[i] ?? 0] ?? { slot: 0 };
  const homes = new Map(ids.map((id, i) => [id, homeOf(i)]));
  let next = ids.length;
  const scratchHomes = steps.map(({ scratchBytes }) => scratchBytes.map(() => homeOf(next++)));
  return { slotBytes, homes, scratchHomes };
}

interface Placed {
  readonly home: Home;
  readonly bytes: number;
}

/** The passes of a step, with every binding placed. */
function placePasses(
  { node, context, scratchBytes }: Step,
  scratchHomes: readonly Home[],
  homes: ReadonlyMap<number, Home>,
): PlannedPass[] {
  const { op, phase } = node;
  const place = (binding: Binding): Placed => {
    if ('scratch' in binding) {
      const home = scratchHomes[binding.scratch];
      if (!home) throw new RangeError(`${op.name}: no scratch ${binding.scratch}`);
      return { home, bytes: scratchBytes[binding.scratch] ?? 0 };
    }
    const tensor = 'input' in binding ? node.inputs[binding.input] : node.outputs[binding.output];
    const home = tensor && homes.get(tensor.root.id);
    if (!home)
      throw new RangeError(`${op.name}: binds a tensor that is not there (${JSON.stringify(binding)})`);
    return { home, bytes: bytesOf(tensor.shape) };
  };
  return op.passes(context).map((pass: Pass) => {
    const placed = pass.bindings.map(place);
    return {
      label: `${op.name}:${pass.shader}`,
      phase,
      pass,
      homes: placed.map(({ home }) => home),
      bytes: placed.map(({ bytes }) => bytes),
    };
  });
}

/** The last step that needs each value, by the value's id. Outputs of the graph never end. */
function lastUses(graph: Graph, steps: readonly Step[]): Map<number, number> {
  const last = new Map<number, number>();
  steps.forEach(({ node }, time) => {
    for (const { id } of node.outputs) last.set(id, time);
    for (const tensor of node.inputs) if (tensor) last.set(tensor.root.id, time);
  });
  for (const { root } of graph.outputs.values()) last.set(root.id, Number.POSITIVE_INFINITY);
  return last;
}

function bytesOf(shape: Shape): number {
  return 4 * sizeOf(shape);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
