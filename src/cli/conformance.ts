/**
 * `npm run conformance -- DIR [--adapter gpu|few-registers|software] [--json]`: compares the engine with every set of vectors in a folder, see
 * docs/conformance.md. Exit status 1 when a value is over its tolerance.
 */
import { type Comparison, isPassed, type SetReport } from '../engine/conformance/report.ts';
import { runSet } from '../engine/conformance/run-set.ts';
import { choiceFlag, readArguments, wrongArguments } from './arguments.ts';
import { findSets } from './conformance-files.ts';
import { openNodeGpu } from './node-gpu.ts';
import { runProgram } from './program.ts';
import { printJson } from './report.ts';

const USAGE = `  npm run conformance -- DIR [--adapter gpu|few-registers|software] [--json]
  --adapter computes by the kernels for such adapters, on whichever there is.`;

/** Errors by set, part and key, as `--json` prints them. */
function toJson(reports: readonly SetReport[]): object {
  const sets = reports.map(({ set, parts }) => [
    set,
    Object.fromEntries(
      parts.map(({ part, comparisons }) => [
        part,
        Object.fromEntries(comparisons.map(({ key, error }) => [key, error])),
      ]),
    ),
  ]);
  const over = reports.flatMap(({ set, parts }) =>
    parts.flatMap(({ part, comparisons }) =>
      comparisons.filter(({ passed }) => !passed).map((comparison) => ({ set, part, ...comparison })),
    ),
  );
  const untouched = reports.flatMap(({ set, parts }) =>
    parts.flatMap(({ part, untouched }) => untouched.map((key) => ({ set, part, key }))),
  );
  return { passed: reports.every(isPassed), sets: Object.fromEntries(sets), over, untouched };
}

function print(report: SetReport): void {
  for (const { part, comparisons, untouched } of report.parts) {
    const over = comparisons.filter(({ passed }) => !passed);
    const share = ({ error, tolerance }: Comparison) => (error === 0 ? 0 : error / tolerance);
    const [worst] = [...comparisons].sort((x, y) => share(y) - share(x));
    const verdict = over.length === 0 && untouched.length === 0 ? 'passed' : 'FAILED';
    console.log(
      `${report.set}.${part}: ${verdict}, ${comparisons.length} tensors, worst ${worst?.key} ${worst?.error.toExponential(2)} (tolerance ${worst?.tolerance})`,
    );
    for (const { key, error, tolerance } of over) {
      console.log(`  over: ${key} ${error.toExponential(3)} > ${tolerance}`);
    }
    for (const key of untouched) console.log(`  in the file but not compared with anything: ${key}`);
  }
}

async function conformance(args: readonly string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, adapter: { type: 'string' } } as const;
  const { positionals, values } = readArguments(args, options, USAGE);
  const [folder] = positionals;
  if (!folder) throw wrongArguments('No folder is named', 'Name a folder of vectors', USAGE);
  const adapter = choiceFlag(values.adapter, 'adapter', ['gpu', 'few-registers', 'software'], USAGE);
  const sets = await findSets(folder);
  const gpu = await openNodeGpu();
  if (adapter) {
    gpu.traits = {
      ...gpu.traits,
      isSoftware: adapter === 'software',
      ...(adapter === 'few-registers' && { hasFewRegisters: true }),
    };
  }
  const reports: SetReport[] = [];
  for (const set of sets) {
    const report = await runSet(gpu, set);
    if (!values.json) print(report);
    reports.push(report);
  }
  if (values.json) printJson(toJson(reports));
  gpu.destroy();
  return reports.every(isPassed) ? 0 : 1;
}

runProgram(conformance);
