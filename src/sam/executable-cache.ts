import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, Pool } from '../graph/executable.ts';
import type { Graph } from '../graph/graph.ts';
import { type Plan, planGraph } from '../graph/plan.ts';
import { fused } from '../ops/fusion.ts';

/** One graph ready to run, with the buffers that only it reads. */
export interface ReadyExecutable {
  readonly executable: Executable;
  /** A buffer of the entry by the input's name. */
  readonly input: (name: string) => BufferRange;
}

interface Entry {
  readonly plan: Plan;
  readonly own: ReadonlyMap<string, BufferRange>;
  executable: Executable | null;
}

/** Kept shapes; a prompt with one more click is another shape. */
const MAX_ENTRIES = 24;

/** How every graph of a session is planned, also by who compiles for it before there is one. */
export function planSession(graph: Graph, { traits }: Pick<Gpu, 'traits'>): Plan {
  return planGraph(fused(graph, traits), traits);
}

/**
 * Executables by key over one growing pool. They never run at the same time, so the pool is as large as the largest needs.
 */
export class ExecutableCache {
  private readonly entries = new Map<string, Entry>();
  private readonly plans = new Map<string, Plan>();
  private pool: Pool | null = null;

  /** @param shared finds buffers that several graphs read (weights, the embedding), by the input's name. */
  constructor(
    private readonly gpu: Gpu,
    private readonly shared: FindRange,
  ) {}

  /** The plan for a key; nothing is allocated. */
  plan(key: string, trace: () => Graph): Plan {
    const known = this.plans.get(key);
    if (known) return known;
    const plan = planSession(trace(), this.gpu);
    this.plans.set(key, plan);
    return plan;
  }

  /** The executable for a key; inputs that are not shared get buffers of their own. */
  async get(key: string, trace: () => Graph): Promise<ReadyExecutable> {
    const entry = this.entries.get(key) ?? this.add(key, this.plan(key, trace));
    // Used last: moved to the end.
    this.entries.delete(key);
    this.entries.set(key, entry);
    this.growPool();
    const executable = entry.executable ?? (await this.compile(entry));
    entry.executable = executable;
    return {
      executable,
      input: (name) => {
        const range = entry.own.get(name);
        if (!range) throw new RangeError(`${key} has no input ${name} of its own`);
        return range;
      },
    };
  }

  release(): void {
    for (const entry of this.entries.values()) this.releaseEntry(entry);
    this.entries.clear();
    this.pool?.release();
    this.pool = null;
  }

  private add(key: string, plan: Plan): Entry {
    if (this.entries.size >= MAX_ENTRIES) {
      const [oldest] = this.entries;
      if (oldest) {
        this.releaseEntry(oldest[1]);
        this.entries.delete(oldest[0]);
        this.plans.delete(oldest[0]);
      }
    }
    const own = new Map<string, BufferRange>();
    const entry: Entry = { plan, own, executable: null };
    try {
      for (const [name, bytes] of plan.inputs) {
        if (this.shared(name)) continue;
        own.set(name, { buffer: this.gpu.allocate(bytes, `${key} ${name}`), offset: 0, size: bytes });
      }
    } catch (error) {
      this.releaseEntry(entry);
      throw error;
    }
    this.entries.set(key, entry);
    return entry;
  }

  private growPool(): void {
    const plans = [...this.entries.values()].map(({ plan }) => plan);
    if (this.pool?.fits(plans)) return;
    this.pool?.release();
    this.pool = null;
    this.pool = Pool.allocate(this.gpu, plans, 'session');
    for (const entry of this.entries.values()) entry.executable = null;
  }

  private async compile({ plan, own }: Entry): Promise<Executable> {
    if (!this.pool) throw new RangeError('there is no pool yet');
    return Executable.create(this.gpu, plan, this.pool, (name) => own.get(name) ?? this.shared(name));
  }

  private releaseEntry({ own }: Entry): void {
    for (const { buffer } of own.values()) this.gpu.release(buffer);
  }
}
