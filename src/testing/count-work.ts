/** Counts what code does, for tests of how work grows: other work on the machine does not change it, as it changes times. */
import { type Profiler, Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';

/**
 * How often functions, loops and branches ran while work was done, by V8's own coverage. What built-in functions do within
 * themselves is not counted, only what they call.
 * @param folder part of the paths of the modules that count.
 */
export async function countWork(folder: string, work: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  // Optimized code does not count all of its rounds.
  setFlagsFromString('--no-opt');
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    await session.post('Profiler.stopPreciseCoverage');
    return result.filter(({ url }) => url.includes(folder)).reduce((sum, script) => sum + runsOf(script), 0);
  } finally {
    setFlagsFromString('--opt');
    session.disconnect();
  }
}

const runsOf = ({ functions }: Profiler.ScriptCoverage): number =>
  functions.flatMap(({ ranges }) => ranges).reduce((sum, { count }) => sum + count, 0);
