/** The commands of `npm run mopeft`, and what calls them. */
import { asksForHelp } from '../../scripts/toolchain/needs-adapter.mjs';
import { HelpRequest, wrongArguments } from './arguments.ts';
import { nearestWord } from './nearest.ts';

/** By the word that names them. */
export const COMMANDS = {
  plan: async () => (await import('./plan.ts')).plan,
  train: async () => (await import('./train.ts')).train,
  evaluate: async () => (await import('./evaluate.ts')).evaluate,
  worth: async () => (await import('./worth.ts')).worthOfModules,
  export: async () => (await import('./export.ts')).exportModel,
  segment: async () => (await import('./segment.ts')).segment,
  find: async () => (await import('./find.ts')).find,
  labels: async () => (await import('./labels.ts')).labels,
  inspect: async () => (await import('./inspect.ts')).inspect,
  models: async () => (await import('./models.ts')).models,
};

/**
 * Runs a command by the words after the program's name. @returns its exit status.
 * @throws Failure, among them `cli/arguments`; HelpRequest.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = withoutMirror(args);
  const load = Object.entries(COMMANDS).find(([command]) => command === name)?.[1];
  if (!load) {
    if (asksForHelp([name])) throw new HelpRequest(commandsHelp());
    throw wrongArguments(
      name === '' ? 'No command is named' : `There is no command "${name}"`,
      meantInstead(name) ?? `Commands are ${Object.keys(COMMANDS).join(', ')}`,
      commandsHelp(),
    );
  }
  return (await load())(rest);
}

/** Takes `--mirror URL`, which every command has, out of its flags; it is the same as `MOPEFT_MIRROR`. */
function withoutMirror(args: readonly string[]): string[] {
  const at = args.findIndex((word) => word === '--mirror' || word.startsWith('--mirror='));
  if (at < 0) return [...args];
  const [, inWord] = (args[at] ?? '').split(/=(.*)/s);
  const mirror = inWord ?? args[at + 1];
  if (!mirror)
    throw wrongArguments(
      '--mirror has no address',
      'Write --mirror with an address, as https://mirror.example',
      commandsHelp(),
    );
  process.env.MOPEFT_MIRROR = mirror;
  return args.toSpliced(at, inWord === undefined ? 2 : 1);
}

/** Other programs' names of what commands do. */
const OTHER_NAMES: Readonly<Record<string, keyof typeof COMMANDS>> = {
  finetune: 'train',
  'fine-tune': 'train',
  fit: 'train',
  predict: 'segment',
  test: 'evaluate',
  eval: 'evaluate',
};

function meantInstead(name: string): string | null {
  const meant = OTHER_NAMES[name] ?? nearestWord(name, Object.keys(COMMANDS));
  return meant ? `Did you mean ${meant}?` : null;
}

function commandsHelp(): string {
  return Object.keys(COMMANDS)
    .map((command) => `  npm run mopeft -- ${command} --help`)
    .join('\n');
}
