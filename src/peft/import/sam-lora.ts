import { Failure } from '../../config/failure.ts';
import type { ForeignReader } from './foreign-lora.ts';
import { readPairTensors } from './pairs.ts';

/** Some trainings save the tensors under a key, or as several GPUs name them. */
const PAIR_TENSOR = /^(?:.*\.)?(w_[ab]_\d{3,})$/;
/** A head of the encoder that SAM does not have, which older versions save too. */
const HEAD = /^(?:.*\.)?fc_\d+in_\d+out$/;

/**
 * The programs Sam_LoRA and SAMed: `w_a_000` [r, C], `w_b_000` [C, r], `w_a_001` …, two pairs for every block, first q, then v.
 * The change is not scaled.
 */
export const samLora: ForeignReader = {
  label: 'Sam_LoRA',
  recognises: (names) => names.some((name) => PAIR_TENSOR.test(name)),
  read: async (file) => {
    const { name } = file;
    const names = [...file.tensors.keys()];
    const other = names.find((tensor) => !PAIR_TENSOR.test(tensor) && !HEAD.test(tensor));
    if (other !== undefined) {
      throw new Failure({
        code: 'adapter/layers',
        what: 'Beside its LoRA it holds other trained tensors (SAMed saves its prompt encoder and mask decoder), and the LoRA alone would give other masks.',
        where: `${name}, tensor ${other}`,
        cure: 'Merge it into its model in Python and open the result as a model, or save the tensors w_a_… and w_b_… alone.',
      });
    }
    const byBareName = new Map<string, string>();
    for (const tensor of names) {
      const [, bare] = PAIR_TENSOR.exec(tensor) ?? [];
      if (bare === undefined) continue;
      const before = byBareName.get(bare);
      if (before !== undefined) throw twice(name, before, tensor);
      byBareName.set(bare, tensor);
    }
    const last = Math.ceil(byBareName.size / 4) * 2;
    const pairs = [];
    for (let i = 0; i < last; i++) {
      const find = (side: string) => byBareName.get(`w_${side}_${String(i).padStart(3, '0')}`);
      const [a, b] = [find('a'), find('b')];
      if (a === undefined && b === undefined) throw gap(name, i);
      const layer = i % 2 === 0 ? 'q' : 'v';
      const sides = { ...(a !== undefined && { a }), ...(b !== undefined && { b }) };
      pairs.push({
        block: Math.floor(i / 2),
        layer: layer as 'q' | 'v',
        ...(await readPairTensors(file, sides, () => 1)),
      });
    }
    return {
      name,
      label: samLora.label,
      pairs,
      scales: [],
      hasBlockNumbers: false,
      baseName: null,
      decoder: new Map(),
      decoderChanges: new Map(),
      use: null,
      remarks: [
        'Some versions of its program also train biases and do not save them; these are not in the file.',
      ],
    };
  },
};

function twice(where: string, one: string, other: string): Failure {
  return new Failure({
    code: 'adapter/several',
    what: `It holds several Sam_LoRA adapters: ${one} and ${other}.`,
    where,
    cure: 'Save the tensors w_a_… and w_b_… of each by themselves.',
  });
}

function gap(where: string, index: number): Failure {
  return new Failure({
    code: 'adapter/pair',
    what: `The tensors w_a_${String(index).padStart(3, '0')} and w_b_${String(index).padStart(3, '0')} are missing.`,
    where,
    cure: 'The file was saved or copied only in part; save the adapter again.',
  });
}
