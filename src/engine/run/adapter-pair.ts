/** An adapter as its two files, which belong together. */

import type { MopeftConfig } from '../../config/mopeft.ts';
import { textOf } from '../../config/text-of.ts';
import {
  type Adapter,
  type AdapterBase,
  parseRecord,
  readAdapter,
  recordWithin,
  writeAdapter,
} from '../../peft/adapter-file.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { SAM_MASK_THRESHOLD } from '../../train/mask-threshold.ts';

/** Name of the record beside the weights. */
export const ADAPTER_JSON = 'adapter.json';

/** A file by its name. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `adapter.safetensors` and the `adapter.json` that belongs to it. */
export interface AdapterPair {
  readonly json: NamedBytes;
  readonly weights: NamedBytes;
}

/** Reads an adapter from its two files. @throws Failure `adapter/…`, `checkpoint/…`. */
export function readPair(base: AdapterBase, { json, weights }: AdapterPair): Promise<Adapter> {
  const text = textOf(json.bytes);
  return readAdapter(base, { name: json.name, text }, bytesSource(weights.name, weights.bytes));
}

/** The record that weights hold themselves, as the file that belongs to them; null for weights of before. */
export async function ownJson({ name, bytes }: NamedBytes): Promise<NamedBytes | null> {
  const record = await recordWithin(bytesSource(name, bytes));
  return record === null ? null : { name: ADAPTER_JSON, bytes: new TextEncoder().encode(record) };
}

/** Whether an adapter holds more than the base model. @throws Failure `adapter/not-an-adapter`. */
export function hasLearned({ json }: AdapterPair): boolean {
  const { training } = parseRecord({ name: json.name, text: textOf(json.bytes) });
  return training.step !== 0;
}

/** What a method is at step 0: modules that have learned nothing would change the base model's masks. */
export function baseOf({ gate }: Pick<MopeftConfig, 'gate'>): MopeftConfig {
  return { methods: {}, gate, blocks: [], trainDecoder: false };
}

/**
 * An adapter's files; where an earlier version kept the untrained modules of step 0, those of the base model in their place.
 * @throws Failure `adapter/not-an-adapter`.
 */
export function withoutUntrained(pair: AdapterPair): AdapterPair {
  const { json, weights } = pair;
  const { base, mopeft, preprocessing, training } = parseRecord({
    name: json.name,
    text: textOf(json.bytes),
  });
  const isUntrained = training.step === 0 && (mopeft.trainDecoder || Object.keys(mopeft.methods).length > 0);
  if (!isUntrained) return pair;
  const files = writeAdapter(
    { ...base, config: { preprocessing } },
    { mopeft: baseOf(mopeft), tensors: new Map(), maskThreshold: SAM_MASK_THRESHOLD, training },
  );
  return {
    json: { name: json.name, bytes: new TextEncoder().encode(files.json) },
    weights: { name: weights.name, bytes: files.safetensors },
  };
}
