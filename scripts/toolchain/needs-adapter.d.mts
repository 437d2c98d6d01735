export function asksForHelp(args: readonly string[]): boolean;
export function asksForProject(args: readonly string[]): boolean;
export function needsAdapter(args: readonly string[]): boolean;
