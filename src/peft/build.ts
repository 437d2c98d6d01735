import type { MopeftConfig } from '../config/mopeft.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import type { Shape } from '../graph/shape.ts';
import { add } from '../ops/add/add.ts';
import type { EncoderSite } from '../sam/site.ts';
import { type BlockHooks, type BlockSlots, type LayerTensors, SLOTS, type Slot } from '../sam/slots.ts';
import type { WeightSource } from '../sam/weight-source.ts';
import { DATASET_INPUT, datasetCount } from './datasets.ts';
import {
  type AskedDatasets,
  GATE_SOURCES,
  type Gate,
  type GateForm,
  type GateSource,
  type PricedModule,
  type TraceContext,
  type TraceMode,
} from './gates/gate-form.ts';
import { gateFormById } from './gates/registry.ts';
import { countParameters, sizedModules } from './kept-modules.ts';
import type { MethodHooks } from './method.ts';
import { type Module, modulesOf } from './modules.ts';
import type { TensorSpec } from './tensor-spec.ts';

/** Name of the graph output that holds a module's gate, [B] or [1]. */
export function gateOutput(block: number, method: string): string {
  return `gates.${block}.${method}`;
}

/** Modules in an encoder that is being traced. */
export interface AttachedModules {
  readonly slots: BlockSlots;
  /** What methods and gates add to the loss, [1], once the encoder is traced; null when they add nothing. */
  readonly loss: () => Tensor | null;
}

/**
 * The modules of a config as SAM's slots. Every gate becomes the graph output `gates.{i}.{method}`; modules that always
 * contribute fully have none. A pruned module is not traced at all, so nothing of it can change the output.
 * @param images that the graph encodes together.
 */
export function attachModules(
  graph: Graph,
  config: MopeftConfig,
  weights: WeightSource,
  mode: TraceMode,
  images = 1,
): AttachedModules {
  const modules = modulesOf(config);
  const losses: Tensor[] = [];
  const sites: EncoderSite[] = [];
  const slots: BlockSlots = (site) => {
    const own = modules.filter(({ block }) => block === site.index);
    if (own.length === 0) return {};
    sites.push(site);
    return new BlockModules(graph, config, own, site, weights, mode, images, losses).hooks();
  };
  const loss = () => {
    const all = [...losses, ...tracePrice(graph, config, sites, weights)];
    return all.length === 0 ? null : all.reduce(add);
  };
  return { slots, loss };
}

/** What keeping more modules than the budget costs, [1]; none in forms without a price. @param sites of all modules. */
function tracePrice(
  graph: Graph,
  config: MopeftConfig,
  sites: readonly EncoderSite[],
  weights: WeightSource,
): Tensor[] {
  const { budget, tensors } = gateFormById(config.gate);
  const modules = sizedModules(config, sites);
  if (budget?.by !== 'price' || modules.length === 0) return [];
  const total = countParameters(modules);
  const priced = modules.map(({ method, block, parameters }): PricedModule => {
    const site = sites.find(({ index }) => index === block);
    const own = modulesOf(config).filter((module) => module.block === block);
    const specs = site
      ? tensors(
          own.map((module) => module.method),
          site,
          datasetCount(config),
        )
      : [];
    return {
      method,
      share: parameters / total,
      tensor: (name) => weights(`blocks.${block}.${name}`, shapeOf(specs, name)),
    };
  });
  const share = graph.input(BUDGET_INPUT, [1]);
  return [budget.price(priced, share, (name) => weights(name, shapeOf(budget.tensors, name)))];
}

function shapeOf(specs: readonly TensorSpec[], name: string): Shape {
  const spec = specs.find((candidate) => candidate.name === name);
  if (!spec) throw new RangeError(`${name} was not declared`);
  return spec.shape;
}

/** The modules of one block, with their gates. */
class BlockModules {
  private readonly gates = new Map<Module, Gate>();
  private readonly form: GateForm;
  private draws = 0;
  private readonly attached: readonly { readonly module: Module; readonly hooks: MethodHooks }[];

  constructor(
    private readonly graph: Graph,
    private readonly config: MopeftConfig,
    private readonly modules: readonly Module[],
    private readonly site: EncoderSite,
    private readonly weights: WeightSource,
    private readonly mode: TraceMode,
    private readonly images: number,
    private readonly losses: Tensor[],
  ) {
    this.form = gateFormById(config.gate);
    this.openGates('nothing', null);
    this.attached = modules.map((module) => ({
      module,
      hooks: module.method.attach({
        ...this.context(module.method.id),
        settings: module.settings,
        site,
        tensor: this.tensors(module.method.tensors(module.settings, site)),
        gatesByImage: this.form.varies === 'by-image' || this.form.varies === 'by-dataset',
      }),
    }));
  }

  hooks(): BlockHooks {
    const slots = SLOTS.flatMap((slot) => {
      const hook = this.slotHook(slot);
      return hook ? [[slot, hook] as const] : [];
    });
    return { ...Object.fromEntries(slots), ...this.prefixHook(), ...this.weightHook() };
  }

  private slotHook(slot: Slot): ((layer: LayerTensors) => Tensor) | null {
    const source = GATE_SOURCES.find((candidate) => candidate === slot);
    const isRead = source && this.modules.some(({ method }) => this.form.reads(method) === source);
    const changes = this.attached.filter(({ hooks }) => hooks[slot]);
    if (!isRead && changes.length === 0) return null;
    return ({ input, output }) => {
      if (isRead) this.openGates(source, output);
      return changes.reduce(
        (changed, { module, hooks }) =>
          hooks[slot]?.({ input, output: changed }, this.gate(module)) ?? changed,
        output,
      );
    };
  }

  private prefixHook(): Pick<BlockHooks, 'prefix'> {
    const [first, second] = this.attached.filter(({ hooks }) => hooks.prefix);
    if (!first) return {};
    if (second)
      throw new RangeError(`${first.module.method.id} and ${second.module.method.id} both bring a prefix`);
    return { prefix: () => first.hooks.prefix?.(this.gate(first.module)) ?? null };
  }

  private weightHook(): Pick<BlockHooks, 'weight'> {
    const changes = this.attached.filter(({ hooks }) => hooks.weight);
    if (changes.length === 0) return {};
    return {
      weight: (name, frozen) =>
        changes.reduce(
          (changed, { module, hooks }) => hooks.weight?.(name, changed, this.gate(module)) ?? changed,
          frozen,
        ),
    };
  }

  /** Traces the gates that read a source, and gives them out. */
  private openGates(source: GateSource, features: Tensor | null): void {
    const reading = this.modules.filter(({ method }) => this.form.reads(method) === source);
    if (reading.length === 0) return;
    const methods = this.modules.map(({ method }) => method);
    const opened = this.form.trace(
      reading.map(({ method }) => method),
      {
        ...this.context('gate'),
        site: this.site,
        features,
        dataset: () => this.dataset(),
        tensor: this.tensors(this.form.tensors(methods, this.site, datasetCount(this.config))),
      },
    );
    for (const [i, module] of reading.entries()) {
      const gate = opened[i];
      if (!gate) throw new RangeError(`${this.form.id} gives no gate for ${module.method.id}`);
      this.gates.set(module, gate);
      if (gate.value) this.graph.output(gateOutput(this.site.index, module.method.id), gate.value);
    }
  }

  private dataset(): AskedDatasets {
    const count = datasetCount(this.config);
    return { rows: this.graph.input(DATASET_INPUT, [this.images, count]), count };
  }

  private gate(module: Module): Gate {
    const gate = this.gates.get(module);
    if (!gate) throw new RangeError(`${module.method.id} uses its gate before there is anything to read`);
    return gate;
  }

  private context(owner: string): TraceContext {
    return {
      mode: this.mode,
      random: (count) => {
        this.expectTraining(owner);
        return this.graph.input(`${RANDOM_PREFIX}${this.site.index}.${this.draws++}`, [count]);
      },
      addLoss: (value) => {
        this.expectTraining(owner);
        this.losses.push(value);
      },
    };
  }

  private expectTraining(owner: string): void {
    if (this.mode !== 'training') throw new RangeError(`${owner} draws or adds to the loss outside training`);
  }

  private tensors(specs: readonly TensorSpec[]): (name: string) => Tensor {
    return (name) => this.weights(`blocks.${this.site.index}.${name}`, shapeOf(specs, name));
  }
}

/** How the graph inputs begin that hold a step's uniform numbers. */
export const RANDOM_PREFIX = 'random.';

/** The graph input [1] that holds the share of the modules' parameters that a step may keep, where that has a price. */
export const BUDGET_INPUT = 'budget';
