/** What the modules of the fake engine's runs are worth. */
import type { CallName, DatasetWorth, RunWorth } from '../../worker/protocol.ts';
import type { Handlers } from './fake-handlers.ts';
import { fakeRun } from './fake-runs.ts';

const METHODS = ['lora', 'prefix', 'adapter'];
const BLOCKS = Array.from({ length: 8 }, (_, block) => block);

/** LoRA helps, more in late blocks; Prefix is told from nothing nowhere; the Adapter harms in block 0. */
function lossOf(method: string, block: number): number {
  if (method === 'lora') return 0.004 * block;
  if (method === 'prefix') return 0.001;
  return block === 0 ? -0.012 : 0.003 * (block % 3);
}

function fakeDatasetWorth(key: string): DatasetWorth {
  const lost = (value: number) => ({ box: value, boxError: 0.003, click: 1.4 * value, clickError: 0.004 });
  return {
    key,
    images: 6,
    objects: 20,
    all: { box: 0.75, click: 0.65 },
    none: { box: 0.64, click: 0.5 },
    modules: BLOCKS.flatMap((block) =>
      METHODS.map((method) => ({ method, block, ...lost(lossOf(method, block)) })),
    ),
    methods: METHODS.map((method) => ({ method, ...lost(8 * lossOf(method, 3)) })),
    blocks: BLOCKS.map((block) => ({ block, ...lost(lossOf('lora', block)) })),
    greedy: [7, 6, 5].map((block, i) => ({
      method: 'lora',
      block,
      box: 0.71 + 0.02 * i,
      click: 0.61 + 0.02 * i,
    })),
  };
}

export function fakeWorth(): Pick<Handlers, Extract<CallName, `worth.${string}`>> {
  const measured = new Map<string, RunWorth>();
  return {
    'worth.read': ({ runId }) => ({ worth: measured.get(runId) ?? null, taylor: null }),
    'worth.forecast': () => ({ measurements: 240, images: 18, seconds: 130 }),
    'worth.measure': ({ runId }) => {
      const datasets = ['cells', 'cracks', 'leaves'].map(fakeDatasetWorth);
      const worth: RunWorth = { format: 1, step: 100, seconds: 128, datasets };
      measured.set(runId, worth);
      return worth;
    },
    'worth.prune': ({ runId }) => {
      const { name, ...run } = fakeRun('finished', 3);
      return {
        ...run,
        name: `${name}, pruned`,
        pruned: {
          from: runId,
          name,
          before: { modules: 24, numbers: 4_600_000, bytes: 18_400_000, dispatches: 290 },
          after: { modules: 3, numbers: 4_130_000, bytes: 16_520_000, dispatches: 212 },
        },
      };
    },
  };
}
