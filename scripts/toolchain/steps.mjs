/** Runs the steps of a test command one after the other; a step that fails does not keep the next ones from running. */
import { run } from './run.mjs';

/**
 * Says what each step came to and closes with `N passed, N failed`.
 * @param {readonly (readonly [title: string, command: string, args: readonly string[]])[]} steps
 * @param {{cwd: string, env?: NodeJS.ProcessEnv}} options
 * @returns {Promise<number>} the exit code: 0 when every step passed, else 1
 */
export async function runSteps(steps, { cwd, env = process.env }) {
  const failed = [];
  for (const [title, command, args] of steps) {
    console.log(`\n── ${title}`);
    const start = performance.now();
    const code = await run(command, args, { cwd, env });
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`── ${title}: ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
    if (code !== 0) failed.push(title);
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join('; ')}`);
  console.log(`\n${steps.length - failed.length} passed, ${failed.length} failed`);
  return failed.length > 0 ? 1 : 0;
}
