import { Failure } from '../config/failure.ts';
import { parseSettings, type Settings } from '../config/field.ts';
import { type BlockChoice, GATE_FORMS, type MopeftConfig, type MopeftRequest } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { sitesOf } from '../sam/encoder.ts';
import { defaultGateForm } from './gate/forms.ts';
import type { AnyMethod } from './method.ts';
import { METHODS } from './registry.ts';

/**
 * The methods behind a name: `mopeft` is LoRA, Prefix and Adapter together, `decoder` none, `a+b` a mix, otherwise one method.
 * @throws Failure `peft/no-method` for a name that the registry lacks.
 */
export function methodsByName(name: string): string[] {
  if (name === 'decoder') return [];
  const ids = name === 'mopeft' ? ['lora', 'prefix', 'adapter'] : name.split('+').map((id) => id.trim());
  return inOrder(ids).map(({ id }) => id);
}

/** The shortest name of a set of methods, the inverse of {@link methodsByName}. */
export function nameOfMethods(ids: readonly string[]): string {
  if (ids.length === 0) return 'decoder';
  const joined = inOrder(ids)
    .map(({ id }) => id)
    .join('+');
  return joined === 'lora+prefix+adapter' ? 'mopeft' : joined;
}

/**
 * Fills a request with the defaults for a model.
 * @throws Failure `peft/no-method`, `peft/no-block`, `peft/nothing-to-train`, `config/invalid`.
 */
export function resolveMopeft(request: MopeftRequest, sam: SamConfig): MopeftConfig {
  const sites = sitesOf(sam);
  const methods = inOrder(request.methods);
  const trainDecoder = request.trainDecoder ?? true;
  const gate = request.gate ?? defaultGateForm(methods.length);
  if (!GATE_FORMS.includes(gate)) {
    throw new Failure({
      code: 'config/invalid',
      what: `There is no gate form ${String(gate)}.`,
      where: 'gate',
      cure: `Choose one of ${GATE_FORMS.join(', ')}.`,
    });
  }
  if (methods.length === 0 && !trainDecoder) {
    throw new Failure({
      code: 'peft/nothing-to-train',
      what: 'No method is chosen and the mask decoder is frozen.',
      where: 'method',
      cure: 'Choose a method or train the decoder.',
    });
  }
  const blocks = methods.length === 0 ? [] : blocksOf(request.blocks ?? 'all', sites.length);
  const settings = methods.map((method): [string, Settings] => [
    method.id,
    parseSettings(method.fields(sites), request.settings?.[method.id], method.id) as Settings,
  ]);
  return { methods: Object.fromEntries(settings), gate, blocks, trainDecoder };
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

/** The methods of a list of ids, in the registry's order, each once. */
function inOrder(ids: readonly string[]): AnyMethod[] {
  const unknown = ids.find((id) => !METHODS.some((method) => method.id === id));
  if (unknown !== undefined) {
    throw new Failure({
      code: 'peft/no-method',
      what: `There is no method "${unknown}".`,
      where: 'method',
      cure: `Methods are ${METHODS.map(({ id }) => id).join(', ')}; join several with +, or say mopeft or decoder.`,
    });
  }
  return METHODS.filter(({ id }) => ids.includes(id));
}
