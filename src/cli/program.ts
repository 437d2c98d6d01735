import { toFailureRecord } from '../config/failure.ts';
import { HelpRequest } from './arguments.ts';
import { withFlags } from './model-flags.ts';

/** A command line program by its arguments; its answer is the exit status. */
export type Program = (args: readonly string[]) => Promise<number>;

/** Runs a program. Ends the process, since an open device would keep it alive. */
export function runProgram(program: Program): void {
  // What reads the output may have ended, as `head` does: the work goes on, and what it prints is dropped.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  // Once what was printed has left: a pipe may still be taking it.
  void statusOf(program, process.argv.slice(2)).then((code) =>
    process.stdout.destroyed ? process.exit(code) : process.stdout.write('', () => process.exit(code)),
  );
}

/** The exit status of a program; a failure is printed as sentences and gives 1, a request for help is answered and gives 0. */
export async function statusOf(program: Program, args: readonly string[]): Promise<number> {
  try {
    return await program(args);
  } catch (thrown) {
    if (thrown instanceof HelpRequest) {
      console.log(`Usage:\n${thrown.text}`);
      return 0;
    }
    const { what, where, cure } = withFlags(toFailureRecord(thrown));
    console.error(`${where ? `${where}: ` : ''}${what}\n${cure}`);
    if (process.env.MOPEFT_DEBUG) console.error(thrown);
    return 1;
  }
}
