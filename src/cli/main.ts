/** `npm run mopeft -- train | evaluate | segment | inspect …`: the engine without a browser. */
import { Failure } from '../config/failure.ts';
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
    throw new Failure({
      code: 'cli/arguments',
      what: name === '' ? 'Name a command.' : `There is no command "${name}".`,
      cure: `Commands are ${Object.keys(COMMANDS).join(', ')}; each prints its flags when one is wrong.`,
    });
  }
  return (await load())(rest);
});
