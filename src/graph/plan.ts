import { texelBytes } from '../gpu/texels.ts';
import type { AdapterTraits } from '../gpu/traits.ts';
import type { Graph, Node, Tensor } from './graph.ts';
import { liveNodes } from './live.ts';
import {
  type Attributes,
  type Binding,
  MOST_BINDINGS,
  MOST_WORKGROUPS,
  type Pass,
  type PassContext,
} from './pass.ts';
import { type Shape, sizeOf } from './shape.ts';
import { assignSlots, type Lifetime } from './slots.ts';

/** Where a bound tensor lives: an outside buffer by the input's name, or a slot of the pool, from an offset in bytes. */
export type Home = { readonly input: string } | { readonly slot: number; readonly offset: number };

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
   * Bytes of every slot of the pool, those that only other plans use among them. A slot is a whole buffer, since WebGPU refuses to read and write one buffer in a dispatch.
   */
  readonly slotBytes: readonly number[];
  /** Peak of the pool in bytes: the sum of the slots. Outside buffers are not counted. */
  readonly poolBytes: number;
  /**
   * Bytes of the textures that passes read copies of operands from, by the operand's position, made with the passes. Only
   * kernels of software adapters have any.
   */
  readonly texelBytes: readonly number[];
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
  return planAround(graph, null, [], traits).outer;
}

/** Plans over one pool: each has all its slots. */
export interface PlansOfPool {
  readonly outer: Plan;
  readonly inner: readonly Plan[];
  readonly ahead: Plan | null;
}

/**
 * {@link planGraph} of graphs that run between two phases of another one and take the slots that it leaves free there.
 * @param phase of `graph`, before which the others may run; null: after the whole graph.
 * @param between these run in any order and as often as wanted; they keep nothing for each other, but may overwrite
 * what an earlier one has left. All outputs of `graph` outlast them, and an input with the name of one may be bound to it.
 * @param ahead runs before `graph`, which may overwrite all that it leaves.
 */
export function planAround(
  graph: Graph,
  phase: string | null,
  between: readonly Graph[],
  traits: AdapterTraits,
  ahead: Graph | null = null,
): PlansOfPool {
  const steps = liveSteps(graph, traits);
  const found = steps.findIndex(({ node }) => node.phase === phase);
  const begin = found < 0 ? steps.length : found;
  let next = begin;
  const inner = between.map((other): Section => {
    const section = sectionAt(next, other, traits);
    next += section.steps.length;
    return section;
  });
  const wait = next - begin;
  const timeOf = (step: number) => (step < begin ? step : step + wait);
  const outer: Section = { graph, steps, timeOf, end: Number.POSITIVE_INFINITY };
  // Over before time 0.
  const sections = [outer, ...inner, ...(ahead ? [sectionAt(-ahead.nodes.length, ahead, traits)] : [])];
  const { slotBytes, places } = placeValues(sections);
  const [first, ...others] = sections.map((section, i) =>
    planOf(section, slotBytes, places[i] ?? { homes: new Map(), scratchHomes: [] }),
  );
  if (!first) throw new RangeError('nothing was planned');
  return { outer: first, inner: others.slice(0, inner.length), ahead: others[inner.length] ?? null };
}

/** The part of a graph that begins at a time and keeps its outputs until its own end. */
function sectionAt(start: number, graph: Graph, traits: AdapterTraits): Section {
  const steps = liveSteps(graph, traits);
  return { graph, steps, timeOf: (step) => start + step, end: start + steps.length - 1 };
}

/** A graph's part of the time in which several use a pool. */
interface Section {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly timeOf: (step: number) => number;
  /** Until when its outputs are kept. */
  readonly end: number;
}

/** Homes of a graph's values by their ids, and of each step's temporaries. */
interface Places {
  readonly homes: Map<number, Home>;
  readonly scratchHomes: readonly (readonly Home[])[];
}

function planOf(
  { graph, steps }: Section,
  slotBytes: readonly number[],
  { homes, scratchHomes }: Places,
): Plan {
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
  let made: readonly PlannedPass[] | null = null;
  const passes = () => {
    made ??= steps.flatMap((step, time) => placePasses(step, scratchHomes[time] ?? [], homes));
    return made;
  };
  const hasTexels = steps.some(({ context }) => context.traits.isSoftware);
  return {
    get passes() {
      return passes();
    },
    get texelBytes() {
      return hasTexels ? texelsOf(passes()) : [];
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
  return liveNodes(graph).map((node) => {
    const context = {
      inputs: node.inputs.map((tensor) => tensor?.shape ?? null),
      outputs: node.outputs.map(({ shape }) => shape),
      attrs: node.attrs,
      traits,
    };
    return { node, context, scratchBytes: (node.op.scratch?.(context) ?? []).map(bytesOf) };
  });
}

/** Slots for all values and temporaries, by how long each lives. */
function placeValues(sections: readonly Section[]) {
  const lifetimes: Lifetime[] = [];
  for (const section of sections) {
    const { graph, steps, timeOf, end } = section;
    const reads = readsOf(section, sections);
    const outputs = new Set([...graph.outputs.values()].map(({ root }) => root.id));
    steps.forEach(({ node, scratchBytes }, step) => {
      const start = timeOf(step);
      for (const { id, shape } of node.outputs) {
        const own = reads.get(id) ?? NEVER;
        const isOutput = outputs.has(id);
        const last = isOutput ? end : Math.max(start, ...own);
        lifetimes.push({ bytes: bytesOf(shape), start, end: last, reads: own, isOutput });
      }
      for (const bytes of scratchBytes) lifetimes.push({ bytes, start, end: start, reads: NEVER });
    });
  }
  const { slotBytes, slots, offsets } = assignSlots(lifetimes);
  let next = 0;
  const nextHome = (): Home => {
    const home = { slot: slots[next] ?? 0, offset: offsets[next] ?? 0 };
    next++;
    return home;
  };
  const places = sections.map(({ steps }): Places => {
    const homes = new Map<number, Home>();
    const scratchHomes = steps.map(({ node, scratchBytes }) => {
      for (const { id } of node.outputs) homes.set(id, nextHome());
      return scratchBytes.map(nextHome);
    });
    return { homes, scratchHomes };
  });
  return { slotBytes, places };
}

const NEVER: ReadonlySet<number> = new Set();

/** When each value of a section is read, by its id: by its own steps, and as an input of others that has its name. */
function readsOf(section: Section, sections: readonly Section[]): Map<number, Set<number>> {
  const reads = new Map<number, Set<number>>();
  for (const { graph, steps, timeOf } of sections) {
    const ids = graph === section.graph ? null : idsByInput(graph, section.graph);
    steps.forEach(({ node }, step) => {
      for (const tensor of node.inputs) {
        const id = tensor && (ids ? ids.get(tensor.root.id) : tensor.root.id);
        if (id !== null && id !== undefined) reads.set(id, (reads.get(id) ?? new Set()).add(timeOf(step)));
      }
    });
  }
  return reads;
}

/** The outputs of `of` that inputs of another graph are named after: that input's id → the output's. */
function idsByInput(other: Graph, of: Graph): Map<number, number> {
  return new Map(
    [...other.inputs].flatMap(([name, { id }]) => {
      const output = of.outputs.get(name);
      return output ? [[id, output.root.id]] : [];
    }),
  );
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
    const label = `${op.name}:${pass.shader}`;
    if (pass.texels && !context.traits.isSoftware) throw new RangeError(`${label}: textures are not planned`);
    expectWithinLimits(label, pass);
    return {
      label,
      phase,
      pass,
      homes: placed.map(({ home }) => home),
      bytes: placed.map(({ bytes }) => bytes),
    };
  });
}

/** @throws RangeError where a dispatch is over WebGPU's default limits, which a device would refuse only when it runs. */
function expectWithinLimits(label: string, { workgroups, bindings }: Pass): void {
  const isGrid = workgroups.every((n) => Number.isInteger(n) && n >= 0 && n <= MOST_WORKGROUPS);
  if (!isGrid) throw new RangeError(`${label}: ${workgroups.join(' × ')} workgroups`);
  if (bindings.length > MOST_BINDINGS) throw new RangeError(`${label}: ${bindings.length} bindings`);
}

function texelsOf(passes: readonly PlannedPass[]): number[] {
  const largest: number[] = [];
  for (const { pass, bytes } of passes)
    (pass.texels?.copied ?? []).forEach((binding, operand) => {
      largest[operand] = Math.max(largest[operand] ?? 0, texelBytes(bytes[binding] ?? 0));
    });
  return largest;
}

function bytesOf(shape: Shape): number {
  return 4 * sizeOf(shape);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
