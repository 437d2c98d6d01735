import { Failure } from '../../config/failure.ts';
import { isTrainingState } from './tensor-file.ts';

/** Names of layers that a fine-tuning adds, wherever they stand. */
const TUNED =
  /(^|[._])(lora|dora|loha|lokr|ia3|vera|oft|adapters?|prompt_generator|prompt_tokens|prompt_embeddings|deep_prompts?|prefix_tokens|modules_to_save|prefix_encoder|ssf_scale|ssf_shift)([._]|\d|$)|(^|[._])(linear_[ab]_[qkv]|w_[ab]_\d+)([._]|$)|adapter/i;

/** What tools that measure leave in every layer. */
const MEASURED = /\.(total_ops|total_params|num_batches_tracked)$/i;

/** Whether a name is of an optimizer's state, or of measurements: it changes no answer. */
export function isHarmless(name: string): boolean {
  return name.split('.').some(isTrainingState) || MEASURED.test(name);
}

/** Names that a fine-tuning gives to layers of its own. */
export function tunedNames(names: Iterable<string>): string[] {
  return [...names].filter((name) => TUNED.test(name) && !isHarmless(name));
}

/** Names of a SAM's tensors that change what a block computes. @param sites what the names of the blocks begin with. */
export function namesInBlocks(names: Iterable<string>, sites: readonly string[]): string[] {
  return [...names].filter((name) => sites.some((site) => name.startsWith(`${site}.`)) && !isHarmless(name));
}

/** The failure for tensors of a fine-tuning that is not understood: what remains without them is the base model. */
export function tunedFailure(names: readonly string[], where: string): Failure {
  const many = names.length > 1;
  const some = `${many ? `${names.length} tensors` : 'A tensor'} such as ${someOf(names, 2)}`;
  return new Failure({
    code: 'checkpoint/tuned',
    what: `${some} ${many ? 'belong' : 'belongs'} to a fine-tuning that this reader does not know; loading the rest would give the base model.`,
    where,
    cure: `Use a version of the model whose layers were merged into the weights (PEFT: merge_and_unload()). ${REST}`,
    choices: { withoutTuned: true },
  });
}

const REST = 'The rest can be loaded on purpose, without them.';

/** The failure for PEFT's LoRA beside the layers that it changes, where nothing says its scale. */
export function unmergedFailure(names: readonly string[], where: string): Failure {
  return new Failure({
    code: 'checkpoint/tuned',
    what: `${names.length > 1 ? `${names.length} tensors` : 'A tensor'} such as ${someOf(names, 2)} ${names.length > 1 ? 'are' : 'is'} PEFT LoRA that was not merged, and nothing says its scale; loading the rest would give the base model.`,
    where,
    cure: `Open it with its adapter_config.json, or say its lora_alpha, and it is merged. ${REST}`,
    asks: 'loraAlpha',
    choices: { withoutTuned: true },
  });
}

/** The first names of a list, for a sentence. */
export function someOf(names: readonly string[], count: number): string {
  return names.slice(0, count).join(', ');
}
