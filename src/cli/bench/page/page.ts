import { toFailureRecord } from '../../../config/failure.ts';
import { shaderSources } from '../../../gpu/bundled-shaders.ts';
import { Gpu } from '../../../gpu/gpu.ts';
import { relativeError } from '../../../testing/allclose.ts';
import type { Peer, Runnable } from '../peers/work.ts';
import type { CaseReport, Check, Timing } from '../report.ts';
import { CASES } from './cases.ts';
import { prepareOurs } from './ours.ts';

/** What the program asks the page for. */
export interface BenchRequest {
  readonly name: string;
  readonly runs: number;
  /** A contender that has taken this long is not asked again. */
  readonly mostMs: number;
  readonly withPeers: boolean;
}

const PEER_TOLERANCE = 1e-3;
const OURS = 'ours';

interface Contender {
  readonly who: string;
  /** Operations that its work counts as. */
  readonly flops: number;
  readonly runnable: Runnable;
}

/** What one contender's work should at least take in a turn, milliseconds: far more than clocks tell apart. */
const TURN_MS = 200;

declare global {
  /** Processor time of all processes of the browser so far, seconds; given by the program. */
  function processorSeconds(): Promise<number>;
}

let gpu: Promise<Gpu> | undefined;
let peers: Promise<{ peer: Peer | null; who: string; why: string }[]> | undefined;

/** The libraries that open on this browser; the others with the reason. */
function openPeers() {
  peers ??= Promise.all(
    (
      [
        ['jax-js', () => import('../peers/jax.js')],
        ['TensorFlow.js', () => import('../peers/tfjs.js')],
      ] as const
    ).map(async ([who, load]) => {
      try {
        return { peer: await (await load()).openPeer(), who, why: '' };
      } catch (error) {
        return { peer: null, who, why: toFailureRecord(error).what };
      }
    }),
  );
  return peers;
}

/** One case: right first, then timed, contenders taking turns so that other load on the machine meets all alike. */
async function bench(request: BenchRequest): Promise<CaseReport> {
  const { name, withPeers } = request;
  const make = CASES.get(name);
  if (!make) throw new RangeError(`There is no case ${name}; cases are ${[...CASES.keys()].join(', ')}.`);
  gpu ??= Gpu.open(navigator.gpu, shaderSources);
  const made = make();
  const ours = await prepareOurs(await gpu, made);
  const checks: Check[] = await ours.check();
  const flops = made.flops ?? ours.plannedFlops;
  const contenders: Contender[] = [{ who: OURS, flops, runnable: ours }];
  if (made.beside) {
    const other = CASES.get(made.beside)?.();
    if (!other) throw new RangeError(`There is no case ${made.beside}.`);
    const runnable = await prepareOurs(await gpu, other);
    const otherFlops = other.flops ?? runnable.plannedFlops;
    contenders.push({ who: `${OURS}, ${made.beside}`, flops: otherFlops, runnable });
  }
  const failures: { who: string; why: string }[] = [];
  if (withPeers && made.work) {
    const expected = await ours.result();
    for (const { peer, who, why } of await openPeers()) {
      if (!peer) {
        failures.push({ who, why });
        continue;
      }
      try {
        const runnable = await peer.prepare(made.work);
        checks.push({
          what: `the result of ${peer.name} against ours`,
          error: relativeError(expected, await runnable.result()),
          tolerance: PEER_TOLERANCE,
        });
        contenders.push({ who: peer.name, flops, runnable });
      } catch (error) {
        failures.push({ who: peer.name, why: toFailureRecord(error).what });
      }
    }
  }
  const timed = await takeTurns(contenders, request);
  const memory = ours.memory();
  for (const { runnable } of contenders) runnable.release();
  return {
    name,
    what: made.what,
    checks,
    timings: timed.timings,
    failures: [...failures, ...timed.failures],
    memory,
  };
}

/**
 * Times everyone in turns; a peer that fails on the way is reported and left out, a failure of ours ends the bench.
 */
async function takeTurns(
  contenders: readonly Contender[],
  { runs, mostMs }: BenchRequest,
): Promise<{ timings: Timing[]; failures: CaseReport['failures'] }> {
  const entries = contenders.map((contender) => ({
    ...contender,
    repeats: 1,
    times: [] as number[],
    processor: [] as number[],
    why: '',
  }));
  // The first turn compiles, the second says how often short work is to be done in each of the others; neither counts.
  for (let turn = -1; turn <= runs; turn++) {
    for (const entry of entries) {
      const { runnable, who, times, processor, repeats } = entry;
      const spent = times.reduce((sum, ms) => sum + repeats * ms, 0);
      if (entry.why !== '' || spent > mostMs) continue;
      const before = await processorSeconds();
      const start = performance.now();
      try {
        for (let i = 0; i < repeats; i++) await runnable.run();
      } catch (error) {
        if (who.startsWith(OURS)) throw error;
        entry.why = toFailureRecord(error).what;
      }
      const ms = (performance.now() - start) / repeats;
      if (turn === 0) entry.repeats = Math.max(1, Math.round(TURN_MS / ms));
      if (turn < 1) continue;
      times.push(ms);
      processor.push((1000 * ((await processorSeconds()) - before)) / repeats);
    }
  }
  const timings = entries
    .filter(({ why }) => why === '')
    .map(({ who, flops, times, processor }) => {
      const sorted = times.sort((a, b) => a - b);
      const ms = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
      return {
        who,
        ms,
        leastMs: sorted[0] ?? Number.NaN,
        processorMs: Math.min(...processor),
        runs: sorted.length,
        gflops: flops / ms / 1e6,
      };
    });
  return { timings, failures: entries.filter(({ why }) => why !== '').map(({ who, why }) => ({ who, why })) };
}

/** The adapter in words, as it says itself. */
async function adapterName(): Promise<string> {
  gpu ??= Gpu.open(navigator.gpu, shaderSources);
  const { info, traits } = await gpu;
  const words = [info.vendor, info.architecture, info.description].filter((word) => word.length > 0);
  return `${words.join(' ')}${traits.isSoftware ? ' (software)' : ''}${traits.hasSubgroups ? ', subgroups' : ''}`;
}

/** What the program calls in the page. */
export interface BenchPage {
  readonly names: readonly string[];
  readonly bench: typeof bench;
  readonly adapterName: typeof adapterName;
}

const page: BenchPage = { names: [...CASES.keys()], bench, adapterName };
Object.assign(globalThis, { benchPage: page });
