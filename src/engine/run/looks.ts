/** The validation images that are looked at while a run learns: `looks.json`, each with the base model's masks and the last ones. */
import * as v from 'valibot';
import type { LookEvent } from '../../train/events.ts';
import { RUN_FILES, type RunFiles } from './run-files.ts';

/** Masks of one image at a check. */
export interface LookMask {
  readonly step: number;
  /** Mean over the image's measured objects. */
  readonly iou: number;
  /** [height, width]: 1 where a mask is. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/** An image, small, with the masks before and now. */
export interface Look {
  readonly dataset: string;
  readonly sample: string;
  readonly prompt: 'click' | 'box';
  readonly width: number;
  readonly height: number;
  /** [height, width, 3]. */
  readonly rgb: Uint8Array<ArrayBuffer>;
  readonly base: LookMask | null;
  /** Null before the first check after step 0. */
  readonly now: LookMask | null;
}

const bytes = v.pipe(v.string(), v.transform(fromBase64));
const mask = v.nullable(v.object({ step: v.number(), iou: v.number(), mask: bytes }));
const Schema = v.array(
  v.object({
    dataset: v.string(),
    sample: v.string(),
    prompt: v.picklist(['click', 'box']),
    width: v.number(),
    height: v.number(),
    rgb: bytes,
    base: mask,
    now: mask,
  }),
);

/** What is stored of a run's looks; none where nothing is, or nothing that can be read: it is only there to be looked at. */
export async function readLooks(files: RunFiles): Promise<readonly Look[]> {
  const stored = await files.readIfThere(RUN_FILES.looks);
  if (!stored) return [];
  return files.readJson(RUN_FILES.looks, Schema).catch(() => []);
}

export function writeLooks(files: RunFiles, looks: readonly Look[]): Promise<void> {
  const encoded = (look: LookMask | null) => look && { ...look, mask: toBase64(look.mask) };
  const plain = looks.map((look) => ({
    ...look,
    rgb: toBase64(look.rgb),
    base: encoded(look.base),
    now: encoded(look.now),
  }));
  return files.writeText(RUN_FILES.looks, JSON.stringify(plain));
}

/** The looks with one more. */
export function withLook(looks: readonly Look[], event: LookEvent): readonly Look[] {
  const { dataset, sample, prompt, width, height, rgb, step, iou, mask: own } = event;
  const isSame = (look: Look): boolean => look.dataset === dataset && look.sample === sample;
  const before = looks.find(isSame);
  const last = { step, iou, mask: own };
  const look: Look = {
    ...{ dataset, sample, prompt, width, height, rgb },
    base: step === 0 ? last : (before?.base ?? null),
    now: step === 0 ? null : last,
  };
  return before ? looks.map((other) => (isSame(other) ? look : other)) : [...looks, look];
}

function toBase64(values: Uint8Array): string {
  let text = '';
  for (let from = 0; from < values.length; from += CHUNK)
    text += String.fromCharCode(...values.subarray(from, from + CHUNK));
  return btoa(text);
}

/** Most arguments of a call. */
const CHUNK = 8192;

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
