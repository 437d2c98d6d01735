/** Starting other programs from the project's scripts. */
import { spawn } from 'node:child_process';

/**
 * Runs a program with its output shown.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean}} [options]
 * @returns {Promise<number>} the exit code; 127 when the program could not be started, 1 when a signal ended it
 */
export function run(command, args, { cwd, env = process.env, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: quiet ? 'ignore' : 'inherit',
      shell: process.platform === 'win32',
    });
    // Ctrl+C reaches the child by itself, and what is sent to this process alone is passed on: it ends when the child has finished.
    let isEnding = false;
    const wait = () => {
      isEnding = true;
    };
    const passOn = () => {
      isEnding = true;
      child.kill('SIGTERM');
    };
    process.on('SIGINT', wait).on('SIGTERM', passOn);
    const ended = (code) => {
      process.off('SIGINT', wait).off('SIGTERM', passOn);
      // Whatever would have come after it was called off too.
      if (isEnding) process.exit(code);
      resolve(code);
    };
    child.once('error', () => ended(127));
    child.once('exit', (code) => ended(code ?? 1));
  });
}
