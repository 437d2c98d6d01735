/**
 * The one source of chance: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018),
 * seeded by splitmix32. Its state is four 32-bit words, so a checkpoint can hold it and a resumed run draws what the
 * uninterrupted one would have drawn. Not for secrets.
 */

/** Four unsigned 32-bit words, not all zero. */
export type RandomState = readonly [number, number, number, number];

/** FNV-1a of a name's UTF-16 units, to give every named stream of a seed its own start. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Four words by splitmix32 from a start word. */
function splitmix(start: number): [number, number, number, number] {
  let word = start >>> 0;
  const next = () => {
    word = (word + 0x9e3779b9) >>> 0;
    let z = word;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return [next(), next(), next(), next()];
}

const rotateLeft = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;

/** A seeded generator with named streams and a serialisable state. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  private constructor(state: RandomState) {
    [this.a, this.b, this.c, this.d] = state;
    // The all-zero state is the generator's only fixed point.
    if ((this.a | this.b | this.c | this.d) === 0) this.a = 1;
  }

  /**
   * The stream `stream` of a seed. Equal arguments give equal draws on every machine.
   * @param seed any finite number; its integer part counts, to 53 bits.
   * @param stream a name, e.g. `split`, `augment`; streams of one seed are independent.
   */
  static fromSeed(seed: number, stream = ''): Random {
    const whole = Number.isFinite(seed) ? Math.trunc(seed) : 0;
    const low = whole >>> 0;
    const high = Math.floor(whole / 2 ** 32) >>> 0;
    const first = splitmix(low);
    const second = splitmix((high ^ hashName(stream)) >>> 0);
    return new Random([
      (first[0] ^ second[3]) >>> 0,
      (first[1] ^ second[2]) >>> 0,
      (first[2] ^ second[1]) >>> 0,
      (first[3] ^ second[0]) >>> 0,
    ]);
  }

  /** The generator that {@link state} was read from. */
  static fromState(state: RandomState): Random {
    return new Random([state[0] >>> 0, state[1] >>> 0, state[2] >>> 0, state[3] >>> 0]);
  }

  /** The state before the next draw. */
  state(): RandomState {
    return [this.a, this.b, this.c, this.d];
  }

  /** 0 … 2³² − 1. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5) >>> 0, 7), 9) >>> 0;
    const t = (this.b << 9) >>> 0;
    this.c = (this.c ^ this.a) >>> 0;
    this.d = (this.d ^ this.b) >>> 0;
    this.b = (this.b ^ this.c) >>> 0;
    this.a = (this.a ^ this.d) >>> 0;
    this.c = (this.c ^ t) >>> 0;
    this.d = rotateLeft(this.d, 11);
    return result;
  }

  /** [0, 1) with 53 bits; takes two draws. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /**
   * 0 … n − 1, each equally likely (draws that would favour small values are thrown away).
   * @param n 1 … 2³².
   */
  integer(n: number): number {
    if (!(n >= 1 && n <= 2 ** 32)) throw new RangeError(`integer(${n}): n must be between 1 and 2^32`);
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % n;
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Normal with mean 0 and standard deviation 1 (Box–Muller, one of the pair, so that no spare value is state). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = copy[i] as T;
      copy[i] = copy[j] as T;
      copy[j] = kept;
    }
    return copy;
  }
}
