/**
 * The command line in the test's own process, on one device for all commands: a process of its own would compile every kernel
 * anew. A test file that uses it says
 * `vi.mock('./node-gpu.ts', async () => (await import('../testing/command-line.ts')).sharedDevice())`.
 */
import { vi } from 'vitest';
import { runCommand } from '../cli/commands.ts';
import { statusOf } from '../cli/program.ts';
import type { Gpu } from '../gpu/gpu.ts';

/** Exit status of a command and what it printed. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let last: Promise<unknown> = Promise.resolve();

/** Runs `mopeft` with these arguments, one after the other where several are asked for: the console is one. */
export function mopeft(...args: readonly string[]): Promise<Answer> {
  const answer = last.then(() => run(args));
  last = answer;
  return answer;
}

async function run(args: readonly string[]): Promise<Answer> {
  const printed = { stdout: '', stderr: '' };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((text: string) => {
      printed.stdout += `${text}\n`;
    }),
    vi.spyOn(console, 'error').mockImplementation((text: string) => {
      printed.stderr += `${text}\n`;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed.stderr += text;
      return true;
    }),
  ];
  const code = await statusOf(runCommand, args);
  for (const spy of spies) spy.mockRestore();
  return { code, ...printed };
}

/** What stands in for `cli/node-gpu`: a device that commands open and destroy, and that stays. */
export async function sharedDevice() {
  const { openNodeGpu } = await vi.importActual<typeof import('../cli/node-gpu.ts')>('../cli/node-gpu.ts');
  let opened: Promise<Gpu> | undefined;
  return {
    openNodeGpu: () => {
      opened ??= openNodeGpu().then((gpu) => Object.assign(gpu, { destroy: () => undefined }));
      return opened;
    },
  };
}
