/** How long a step of a kind took on this device, remembered for the next plan. */
import * as v from 'valibot';
import { variantsRepeat } from '../../data/augment.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { RunSettings } from '../../engine/settings.ts';
import type { CurrentModel } from '../engine-state.ts';

const PATH = 'step-times.json';
/** Kinds that are remembered. */
const KEPT = 200;
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

  /** @param work the device and the arithmetic of a step, for {@link rateOf}; null where that is not known. */
  async update(
    key: string,
    seconds: number,
    work: { readonly device: string; readonly flops: number } | null = null,
  ): Promise<void> {
    const all = await this.all();
    const keep = (name: string, value: number): void => {
      all.delete(name);
      all.set(name, value);
    };
    keep(key, seconds);
    if (work && work.flops > 0 && seconds > 0) keep(rateKey(work.device), work.flops / seconds);
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
