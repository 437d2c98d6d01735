/** `npm run mopeft -- train | evaluate | segment | inspect …`: the engine without a browser. */
import { Failure } from '../config/failure.ts';
import { asksForHelp, HelpRequest } from './arguments.ts';
import { runProgram } from './program.ts';

const COMMANDS = {
  train: async () => (await import('./train.ts')).train,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
  segment: async () => (await import('./segment.ts')).segment,
  inspect: async () => (await import('./inspect.ts')).inspect,
};

runProgram(async (args) => {
  const [name = '', ...rest] = args;
  const load = Object.entries(COMMANDS).find(([command]) => command === name)?.[1];
  if (!load) {
    if (asksForHelp([name])) throw new HelpRequest(commandsHelp());
    throw new Failure({
      code: 'cli/arguments',
      what: name === '' ? 'Name a command.' : `There is no command "${name}".`,
      cure: `Commands are ${Object.keys(COMMANDS).join(', ')}; each explains its flags with --help.`,
    });
  }
  return (await load())(rest);
});

function commandsHelp(): string {
  return Object.keys(COMMANDS)
    .map((command) => `  npm run mopeft -- ${command} --help`)
    .join('\n');
}
