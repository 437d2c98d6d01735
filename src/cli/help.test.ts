import { expect, it, vi } from 'vitest';
import { COMMANDS, runCommand } from './commands.ts';

const asked = vi.hoisted(() => ({ flags: [] as string[], usage: '' }));
vi.mock('./arguments.ts', async (original) => {
  const actual = await original<typeof import('./arguments.ts')>();
  const ask = (_: readonly string[], options: object, usage: string) => {
    Object.assign(asked, { flags: Object.keys(options), usage });
    throw new actual.HelpRequest(usage);
  };
  return { ...actual, readFlags: ask, readArguments: ask };
});

it.each([
  ...Object.keys(COMMANDS).map((name) => [name]),
  ['train', '--resume', 'run'],
  ['export', '--as', 'project'],
])('%s %s %s: help names every flag', async (...words) => {
  await runCommand(words).catch(() => undefined);
  const named = new Set(asked.usage.match(/--[a-z-]+/g));
  expect(asked.flags.length).toBeGreaterThan(0);
  expect(asked.flags.filter((flag) => !named.has(`--${flag}`))).toEqual([]);
});
