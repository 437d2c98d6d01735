import { toFailureRecord } from '../config/failure.ts';
import { HelpRequest } from './arguments.ts';
import { withFlags } from './model-flags.ts';

/**
 * Runs a command line program: its answer is the exit status; a failure is printed as sentences and gives 1, a
 * request for help is answered and gives 0.
 * Ends the process, since an open device would keep it alive.
 */
export function runProgram(program: (args: readonly string[]) => Promise<number>): void {
  program(process.argv.slice(2)).then(
    (code) => end(code),
    (thrown: unknown) => {
      if (thrown instanceof HelpRequest) {
        console.log(`Usage:\n${thrown.text}`);
        end(0);
        return;
      }
      const { what, where, cure } = withFlags(toFailureRecord(thrown));
      console.error(`${where ? `${where}: ` : ''}${what}\n${cure}`);
      if (process.env.MOPEFT_DEBUG) console.error(thrown);
      end(1);
    },
  );
}

/** Exits once what was printed has left: a pipe may still be taking it. */
function end(code: number): void {
  process.stdout.write('', () => process.exit(code));
}
