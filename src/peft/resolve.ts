import { Failure } from '../config/failure.ts';
import { parseSettings, type Settings } from '../config/field.ts';
import type { BlockChoice, BudgetBy, MopeftConfig, MopeftRequest } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { sitesOf } from '../sam/encoder.ts';
import { forDatasets } from './datasets.ts';
import { DEFAULT_BUDGET_FORM, DEFAULT_GATE_FORMS, GATE_FORMS, gateFormById } from './gates/registry.ts';
import { budgetFields } from './kept-modules.ts';
import type { AnyMethod } from './method.ts';
import { methodsOf } from './recipes.ts';

/**
 * Fills a request with the defaults for a model.
 * @throws Failure `peft/no-method`, `peft/no-block`, `peft/nothing-to-train`, `config/invalid`.
 */
export function resolveMopeft(request: MopeftRequest, sam: SamConfig): MopeftConfig {
  const methods = methodsOf(request.methods);
  const trainDecoder = request.trainDecoder ?? true;
  const usual = DEFAULT_GATE_FORMS[methods.length > 1 ? 'several' : 'single'];
  const { id: gate } = gateFormById(
    request.gate ?? (request.budget === undefined ? usual : DEFAULT_BUDGET_FORM),
  );
  const token = request.token ?? false;
  if (methods.length === 0 && !trainDecoder && !token) {
    throw new Failure({
      code: 'peft/nothing-to-train',
      what: 'No method is chosen and the mask decoder is frozen.',
      where: 'method',
      cure: 'Choose a method or train the decoder.',
    });
  }
  const blocks = methods.length === 0 ? [] : blocksOf(request.blocks ?? 'all', sitesOf(sam).length);
  const settings = completeSettings(methods, request.settings ?? {}, sam);
  refuseIdle(methods, settings, blocks);
  const budget = budgetOf(gate, request);
  const config = {
    methods: settings,
    gate,
    blocks,
    trainDecoder,
    ...(token && { token }),
    ...(methods.length > 0 && budget),
  };
  return forDatasets(config, request.datasets ?? []);
}

/** What a config says of the share to keep; nothing in forms that keep all. @throws Failure `config/invalid`. */
function budgetOf(
  gate: string,
  { budget, budgetBy }: MopeftRequest,
): Pick<MopeftConfig, 'budget' | 'budgetBy'> {
  const asked = { ...(budget !== undefined && { budget }), ...(budgetBy !== undefined && { budgetBy }) };
  const fields = budgetFields(gateFormById(gate));
  const foreign = Object.keys(asked).find((name) => !(name in fields));
  if (foreign !== undefined) {
    const forms = GATE_FORMS.flatMap((form) => (foreign in budgetFields(form) ? [form.id] : []));
    throw new Failure({
      code: 'config/invalid',
      what: `The gate form ${gate} ${'budget' in fields ? 'does not choose modules by scores' : 'keeps all modules'}, and ${foreign} was given.`,
      where: foreign,
      cure: `Choose the gate form ${forms.join(' or ')}, or leave ${foreign} out.`,
    });
  }
  const found: { readonly budget?: number; readonly budgetBy?: BudgetBy } = parseSettings(
    fields,
    asked,
    'mopeft',
  );
  return {
    ...(found.budget !== undefined && { budget: found.budget }),
    ...(found.budgetBy === 'validation' && { budgetBy: found.budgetBy }),
  };
}

/** @throws Failure `peft/no-block` for a method that has a module in none of the blocks. */
function refuseIdle(
  methods: readonly AnyMethod[],
  settings: MopeftConfig['methods'],
  blocks: readonly number[],
): void {
  const idle = methods.find(({ id, isIn }) => {
    const own = settings[id];
    return own && isIn && !blocks.some((block) => isIn(own, block));
  });
  if (!idle) return;
  throw new Failure({
    code: 'peft/no-block',
    what: `${idle.label} has nothing to do in the blocks that are chosen: ${blocks.join(', ')}.`,
    where: 'blocks',
    cure: `Choose later blocks, change the settings of ${idle.label}, or leave it out.`,
  });
}

/**
 * A config that was stored, with the defaults of settings that came later.
 * @throws Failure `peft/no-method`, `config/invalid`.
 */
export function resolveStoredMopeft(stored: MopeftConfig, sam: SamConfig): MopeftConfig {
  const methods = methodsOf(Object.keys(stored.methods));
  return { ...stored, methods: completeSettings(methods, stored.methods, sam) };
}

function completeSettings(
  methods: readonly AnyMethod[],
  given: Readonly<Record<string, unknown>>,
  sam: SamConfig,
): MopeftConfig['methods'] {
  const sites = sitesOf(sam);
  const settings = methods.map(({ id, fields }): [string, Settings] => [
    id,
    parseSettings(fields(sites), given[id], id) as Settings,
  ]);
  return Object.fromEntries(settings);
}

function blocksOf(choice: BlockChoice, depth: number): number[] {
  if (choice === 'all') return Array.from({ length: depth }, (_, i) => i);
  if (choice === 'late') {
    const first = Math.floor(depth / 2);
    return Array.from({ length: depth - first }, (_, i) => first + i);
  }
  const blocks = [...new Set(choice)].sort((a, b) => a - b);
  const wrong = blocks.find((i) => !Number.isInteger(i) || i < 0 || i >= depth);
  if (wrong !== undefined || blocks.length === 0) {
    throw new Failure({
      code: 'peft/no-block',
      what: wrong === undefined ? 'No block is chosen.' : `The model has no block ${wrong}.`,
      where: 'blocks',
      cure: `Choose "all", "late", or blocks from 0 to ${depth - 1}.`,
    });
  }
  return blocks;
}
