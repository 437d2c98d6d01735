/** `npm run mopeft -- plan | train | evaluate | worth | export | segment | find | labels | inspect | models …`: the engine without a browser. */
import { runCommand } from './commands.ts';
import { runProgram } from './program.ts';

runProgram(runCommand);
