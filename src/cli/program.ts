import { ArgumentsFailure, HelpRequest } from './arguments.ts';
import { printFailure, printJson } from './report.ts';

/** A command line program by its arguments; its answer is the exit status. */
export type Program = (args: readonly string[]) => Promise<number>;

/** Whether a program's `--json` asks for its result on the output stream. */
const asksForJson = (args: readonly string[]): boolean => args.includes('--json');

/**
 * Runs a program. Ends the process, since an open device would keep it alive.
 * @param wantsJson whether arguments ask for JSON on the output stream.
 */
export function runProgram(program: Program, wantsJson = asksForJson): void {
  // What reads the output may have ended, as `head` does: the work goes on, and what it prints is dropped.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  // Once what was printed has left: a pipe may still be taking it.
  void statusOf(program, process.argv.slice(2), wantsJson).then((code) =>
    process.stdout.destroyed ? process.exit(code) : process.stdout.write('', () => process.exit(code)),
  );
}

/**
 * The exit status of a program; a failure is printed as sentences, after the usage where that was not kept to, and as the one
 * document where JSON is asked for, and gives 1, a request for help is answered and gives 0.
 */
export async function statusOf(
  program: Program,
  args: readonly string[],
  wantsJson = asksForJson,
): Promise<number> {
  try {
    return await program(args);
  } catch (thrown) {
    if (thrown instanceof HelpRequest) {
      console.log(`Usage:\n${thrown.text}`);
      return 0;
    }
    if (thrown instanceof ArgumentsFailure) console.error(`Usage:\n${thrown.usage}\n`);
    const refused = printFailure(thrown);
    if (wantsJson(args)) printJson({}, refused);
    return 1;
  }
}
