/** LoRA and IA³ as other programs save them, understood by its own files alone; `to-adapter.ts` puts it on a model. */
import type { ConfigFile } from '../../sam/checkpoint/peft-config.ts';
import type { HostTensor, TensorFile } from '../../sam/checkpoint/tensor-file.ts';
import type { Adapter } from '../adapter-file.ts';
import type { LoraLayer } from '../lora/lora.ts';

/** A layer that others change: one of ours, or SAM's fused projection to queries, keys and values. */
export type ForeignLayer = LoraLayer | 'qkv';

/** A low-rank change of a layer: `scale` · (u Aᵀ) Bᵀ is added to its output. */
export interface LowRank {
  /** [rank, input] */
  readonly a: HostTensor;
  /** [output, rank] */
  readonly b: HostTensor;
  readonly scale: number;
}

/** That of one layer in one block. */
export interface LowRankPair extends LowRank {
  readonly block: number;
  readonly layer: ForeignLayer;
}

/** What of an adapter's use other programs have no place for. */
export interface ForeignUse extends Pick<Adapter, 'maskThreshold' | 'preprocessing'> {
  /** Side in pixels of the crops in which its training saw all images; absent for whole images. */
  readonly scale?: number;
}

/** IA³ of one block: the differences to 1 of what its keys, values and the MLP's hidden layer are multiplied by. */
export interface ForeignScales {
  readonly block: number;
  readonly layers: Readonly<Partial<Record<'k' | 'v' | 'ff', Float32Array>>>;
}

export interface ForeignLora {
  /** Name of the weights' file, for messages. */
  readonly name: string;
  /** What it is: `PEFT LoRA`. */
  readonly label: string;
  /** Blocks ascending, each layer of a block once; none where only the decoder was trained. */
  readonly pairs: readonly LowRankPair[];
  /** Blocks ascending; empty but for IA³, which has no pairs. */
  readonly scales: readonly ForeignScales[];
  /** Whether names say which block a pair belongs to; otherwise there is one for every block, in their order. */
  readonly hasBlockNumbers: boolean;
  /** What it calls its base model; null where it says nothing. */
  readonly baseName: string | null;
  /** A trained mask decoder by SAM's names; empty where it was not trained. */
  readonly decoder: ReadonlyMap<string, HostTensor>;
  /** Changes of the mask decoder's layers (`mask_decoder.….q_proj`), to be merged into the model's own; heads' as in Hugging Face's names. */
  readonly decoderChanges: ReadonlyMap<string, LowRank>;
  /** How it is used, where our own export says it; null: as the open model. */
  readonly use: ForeignUse | null;
  /** Sentences on what had to be assumed. */
  readonly remarks: readonly string[];
}

/** One form in which others save their adapters. A new form is a file with one of these and a line in `registry.ts`. */
export interface ForeignReader {
  /** As in messages. */
  readonly label: string;
  /** Whether tensors of these names have this form. */
  readonly recognises: (names: readonly string[]) => boolean;
  /**
   * Reads it.
   * @param config the JSON beside the weights; null when there is none.
   * @throws Failure `adapter/…` for what cannot be applied exactly, `checkpoint/…` for values that cannot be read.
   */
  readonly read: (file: TensorFile, config: ConfigFile | null) => Promise<ForeignLora>;
}

/** What was understood, in one line: `PEFT LoRA, rank 4, scale 2, blocks 0-11, q, k and v from rows … of attn.qkv`. */
export function describeForeign({ label, pairs, scales, decoder, decoderChanges }: ForeignLora): string {
  const blocks = [...new Set([...pairs, ...scales].map(({ block }) => block))];
  const lowRank = [...pairs, ...decoderChanges.values()];
  return [
    label,
    ...(lowRank.length > 0
      ? [
          span('rank', lowRank.map(rankOf)),
          span(
            'scale',
            lowRank.map(({ scale }) => scale),
          ),
        ]
      : []),
    ...(blocks.length > 0 ? [`${blocks.length === 1 ? 'block' : 'blocks'} ${ranges(blocks)}`] : []),
    ...layersOf(pairs),
    ...(decoderChanges.size > 0 ? [`${decoderChanges.size} layers of the mask decoder, merged into it`] : []),
    ...(decoder.size > 0 ? ['with the mask decoder'] : []),
  ].join(', ');
}

export const rankOf = ({ a }: LowRank): number => a.shape[0] ?? 0;

function span(noun: string, values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const text = (value: number) => String(Number(value.toPrecision(4)));
  return low === high ? `${noun} ${text(low)}` : `${noun}s ${text(low)} to ${text(high)}`;
}

function layersOf(pairs: readonly LowRankPair[]): string[] {
  const layers = [...new Set(pairs.map(({ layer }) => layer))];
  const fused = pairs.find(({ layer }) => layer === 'qkv');
  const width = (fused?.b.shape[0] ?? 0) / 3;
  const rows = [0, 1, 2].map((part) => `${part * width}…${(part + 1) * width - 1}`);
  const own = layers.filter((layer) => layer !== 'qkv');
  return [
    ...(fused ? [`q, k and v from rows ${rows.join(', ')} of attn.qkv`] : []),
    ...(own.length > 0 ? [own.join(', ')] : []),
  ];
}

/** `0-2, 5` for 0, 1, 2, 5. */
export function ranges(ascending: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const value of ascending) {
    const last = runs.at(-1);
    if (last && last[1] === value - 1) last[1] = value;
    else runs.push([value, value]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
