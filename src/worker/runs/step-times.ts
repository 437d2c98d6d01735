/** How long a step of a kind took on this device, remembered for the next plan. */
import * as v from 'valibot';
import { variantsRepeat } from '../../data/augment.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { RunSettings } from '../../engine/settings.ts';
import type { CurrentModel } from '../engine-state.ts';

const PATH = 'step-times.json';
/** Kinds that are remembered. */
const KEPT = 200;
/** A best rate is written again where it grew so much. */
const MORE = 1.1;
const Schema = v.record(v.string(), v.number());

export class StepTimes {
  private known: Promise<Map<string, number>> | null = null;

  constructor(private readonly store: FileStore) {}

  /** Seconds of a step, or null when none of this kind was timed. */
  async find(key: string): Promise<number | null> {
    return (await this.all()).get(key) ?? null;
  }

  /** Arithmetic a second in the last run on a device; null before the first. */
  async rateOf(device: string): Promise<number | null> {
    return (await this.all()).get(rateKey(device)) ?? null;
  }

  /**
   * Arithmetic a second in the fastest work of any kind on a device; null before any was timed.
   * @param seen what was reached since the page was opened, if anything.
   */
  async bestRateOf(device: string, seen: number | null): Promise<number | null> {
    const key = `best ${device}`;
    const kept = await this.find(key);
    if (seen === null || (kept !== null && seen < kept * MORE)) return kept;
    await this.keep([[key, seen]]);
    return seen;
  }

  /** @param work the device and the arithmetic of a step, for {@link rateOf}; null where that is not known. */
  async update(
    key: string,
    seconds: number,
    work: { readonly device: string; readonly flops: number } | null = null,
  ): Promise<void> {
    const rate: [string, number][] =
      work && work.flops > 0 && seconds > 0 ? [[rateKey(work.device), work.flops / seconds]] : [];
    await this.keep([[key, seconds], ...rate]);
  }

  private async keep(entries: readonly (readonly [string, number])[]): Promise<void> {
    const all = await this.all();
    for (const [key, value] of entries) {
      all.delete(key);
      all.set(key, value);
    }
    const kept = Object.fromEntries([...all].slice(-KEPT));
    await this.store.write(PATH, new TextEncoder().encode(JSON.stringify(kept)));
  }

  private all(): Promise<Map<string, number>> {
    this.known ??= this.read();
    return this.known;
  }

  private async read(): Promise<Map<string, number>> {
    if (!(await this.store.exists(PATH))) return new Map();
    try {
      const json: unknown = JSON.parse(new TextDecoder().decode(await this.store.read(PATH)));
      const parsed = v.safeParse(Schema, json);
      return new Map(parsed.success ? Object.entries(parsed.output) : []);
    } catch {
      return new Map();
    }
  }
}

const rateKey = (device: string): string => `rate ${device}`;

/** What the time of measuring an image depends on. */
export function imageKey(model: CurrentModel, adapter: string): string {
  return JSON.stringify(['image', adapter, model.info.hash.slice(0, 16)]);
}

/** What the time of a step depends on. */
export function stepKey(model: CurrentModel, adapter: string, { mopeft, train }: RunSettings): string {
  const { imagesPerStep, objectsPerImage, objectsPerPass, corrections, memory, weights } = train;
  return JSON.stringify([
    adapter,
    model.info.hash.slice(0, 16),
    mopeft.methods,
    mopeft.gate,
    ...(mopeft.token ? ['token'] : []),
    mopeft.blocks,
    mopeft.trainDecoder,
    ...(mopeft.budget === undefined ? [] : [mopeft.budget]),
    [imagesPerStep, objectsPerImage, objectsPerPass, corrections],
    // What is computed again, unpacked, or kept of views that come again.
    [memory, weights, variantsRepeat(train)],
  ]);
}
