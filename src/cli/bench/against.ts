/**
 * `npm run bench -- [NAME…] --against DIR`: our kernels, and the way to a first mask, against those of another checkout of this
 * repository, line by line and in turns, so that other load on the machine meets both alike.
 */
import type { Browser, Page } from '@playwright/test';
import { timeFirstMask } from './first-mask.ts';
import type { BenchRequest } from './page/page.ts';

/** Of a turn of each: a median. */
const RUNS_OF_TURN = 3;

/** What one line took here and there, milliseconds, a turn each. */
export interface AgainstLine {
  readonly name: string;
  readonly ours: readonly Spent[];
  readonly other: readonly Spent[];
}

interface Spent {
  readonly ms: number;
  /** Of the browser's processes; NaN where the other checkout does not measure it. */
  readonly processorMs: number;
}

/** A case in turns: both pages are asked, ours first. A page checks its values before it times them. */
export async function benchAgainst(
  pages: { readonly ours: Page; readonly other: Page },
  request: Pick<BenchRequest, 'name' | 'mostMs'>,
  turns: number,
): Promise<AgainstLine> {
  const ask = async (page: Page): Promise<Spent> => {
    const report = await page.evaluate((one) => globalThis.benchPage.bench(one), {
      ...request,
      runs: RUNS_OF_TURN,
      withPeers: false,
    });
    const [timing] = report.timings;
    return { ms: timing?.ms ?? Number.NaN, processorMs: timing?.processorMs ?? Number.NaN };
  };
  const [ours, other]: [Spent[], Spent[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) {
    ours.push(await ask(pages.ours));
    other.push(await ask(pages.other));
  }
  return { name: request.name, ours, other };
}

/** The way to a first mask in turns, a line for each of its stretches. */
export async function firstMaskAgainst(
  browser: Browser,
  processorSeconds: () => Promise<number>,
  checkout: string,
  turns: number,
): Promise<AgainstLine[]> {
  const lines = new Map<string, { name: string; ours: Spent[]; other: Spent[] }>();
  for (let turn = 0; turn < turns; turn++) {
    for (const side of ['ours', 'other'] as const) {
      const at = side === 'other' ? [checkout] : [];
      for (const { what, ms, processorMs } of await timeFirstMask(browser, processorSeconds, ...at)) {
        const line = lines.get(what) ?? { name: what, ours: [], other: [] };
        lines.set(what, line);
        line[side].push({ ms, processorMs });
      }
    }
  }
  return [...lines.values()];
}

/** A line of text. A ratio above 1 says that ours is that many times faster. */
export function describeAgainst({ name, ours, other }: AgainstLine): string {
  const clock = [ours, other].map((spent) => median(spent.map(({ ms }) => ms)));
  const processor = [ours, other].map((spent) => Math.min(...spent.map(({ processorMs }) => processorMs)));
  const ratio = ([own = Number.NaN, their = Number.NaN]: readonly number[]) => (their / own).toFixed(2);
  const [own = Number.NaN, their = Number.NaN] = clock;
  const byProcessor = processor.every((ms) => Number.isFinite(ms))
    ? `; ${ratio(processor)} by the processor`
    : '';
  const turns = `${ours.length} ${ours.length === 1 ? 'turn' : 'turns'}`;
  return `${name}: ${own.toFixed(1)} ms, there ${their.toFixed(1)} ms (${turns}); ${ratio(clock)} times as fast${byProcessor}`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
