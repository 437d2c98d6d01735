/** Which commands open a GPU, so that an adapter need be looked for. */

const WITHOUT = ['inspect', 'plan', 'labels', 'models'];

/**
 * Whether the words of `mopeft export` ask for a project, which is written without a model.
 * @param {readonly string[]} args
 */
export const asksForProject = (args) => /(^| )--as[ =]project( |$)/.test(args.join(' '));

/**
 * Whether the words ask for help.
 * @param {readonly string[]} args
 */
export const asksForHelp = (args) => args.includes('--help') || args.includes('-h');

/**
 * Whether a command of `mopeft` may open a GPU.
 * @param {readonly string[]} args the words after the program's name
 */
export function needsAdapter(args) {
  const [command = '', ...rest] = args;
  if (command === '' || WITHOUT.includes(command)) return false;
  if (asksForHelp(args)) return false;
  return !(command === 'export' && asksForProject(rest));
}
