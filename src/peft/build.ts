import type { MopeftConfig } from '../config/mopeft.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { BlockHooks, BlockSlots } from '../sam/slots.ts';
import type { WeightSource } from '../sam/weight-source.ts';
import { gateNames, traceGate } from './gate/gate.ts';
import type { Gate, GateSource, MethodHooks } from './method.ts';
import { type Module, modulesOf } from './modules.ts';

/** Name of the graph output that holds a module's gate, [B]. */
export function gateOutput(block: number, method: string): string {
  return `gates.${block}.${method}`;
}

/**
 * The modules of a config as SAM's slots. Every gate becomes the graph output `gates.{i}.{method}` [B]; ungated modules
 * have none. A pruned module is not traced at all, so nothing of it can change the output.
 */
export function mopeftSlots(graph: Graph, config: MopeftConfig, weights: WeightSource): BlockSlots {
  const modules = modulesOf(config);
  return (site, u) =>
    modules
      .filter(({ block }) => block === site.index)
      .map((module) => attach(graph, config, module, site, u, weights))
      .reduce(chain, {});
}

function attach(
  graph: Graph,
  config: MopeftConfig,
  { method, settings, block }: Module,
  site: EncoderSite,
  u: Tensor,
  weights: WeightSource,
): BlockHooks {
  const shapes = new Map(method.tensors(settings, site).map(({ name, shape }) => [name, shape]));
  const tensor = (name: string): Tensor => {
    const shape = shapes.get(name);
    if (!shape) throw new RangeError(`${method.id} did not declare a tensor ${name}`);
    return weights(`blocks.${block}.${name}`, shape);
  };
  let gate: Gate | null = config.gate === 'none' ? { value: null, form: 'none' } : null;
  const openGate = (source: GateSource, input: Tensor): void => {
    if (gate || method.gateReads !== source) return;
    const names = gateNames(method.id);
    const value = traceGate(
      input,
      weights(`blocks.${block}.${names.weight}`, [1, site.width]),
      weights(`blocks.${block}.${names.bias}`, [1]),
    );
    gate = { value, form: config.gate };
    graph.output(gateOutput(block, method.id), value);
  };
  const takeGate = (): Gate => {
    if (!gate) throw new RangeError(`${method.id} uses its gate before ${method.gateReads} is there`);
    return gate;
  };
  openGate('block.norm', u);
  const hooks: MethodHooks = method.attach({ settings, site, tensor });
  const { qkv, prefix, attentionOut, mlpOut } = hooks;
  return {
    ...(qkv && { qkv: (input, parts) => qkv(input, parts, takeGate()) }),
    ...(prefix && { prefix: () => prefix(takeGate()) }),
    ...(attentionOut && { attentionOut: (out) => attentionOut(out, takeGate()) }),
    ...(mlpOut && {
      mlpOut: (f) => {
        openGate('mlp.out', f);
        return mlpOut(f, takeGate());
      },
    }),
  };
}

/** Runs the hooks of `first`, then those of `second` on what came out. */
function chain(first: BlockHooks, second: BlockHooks): BlockHooks {
  if (first.prefix && second.prefix) throw new RangeError('two methods both bring a prefix');
  const prefix = first.prefix ?? second.prefix;
  const qkv = both(first.qkv, second.qkv, (a, b) => (input, parts) => b(input, a(input, parts)));
  const attentionOut = both(first.attentionOut, second.attentionOut, (a, b) => (out) => b(a(out)));
  const mlpOut = both(first.mlpOut, second.mlpOut, (a, b) => (f) => b(a(f)));
  return {
    ...(qkv && { qkv }),
    ...(prefix && { prefix }),
    ...(attentionOut && { attentionOut }),
    ...(mlpOut && { mlpOut }),
  };
}

function both<T>(
  a: T | undefined,
  b: T | undefined,
  join: (a: NonNullable<T>, b: NonNullable<T>) => T,
): T | undefined {
  return a && b ? join(a, b) : (a ?? b);
}
