import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** What `npm start` says to arguments with which it does not come to install, build or serve. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const script = join(import.meta.dirname, 'start.mjs');
  return spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

it.each(['--help', '-h'])('says with %s how it is used', (flag) => {
  const { status, stdout } = start([flag]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Usage:\n {2}npm start \[-- --port N\]/);
});

it.each([
  ['an argument that it does not know', ['--prot', '5000'], /'--prot'[\s\S]*Usage:/],
  ['a word', ['5000'], /'5000'[\s\S]*Usage:/],
  ['a port that is none', ['--port', '70000'], /--port is "70000", which is no port: give a whole number/],
])('serves nothing on %s', (_, args, said) => {
  const { status, stderr } = start(args);
  expect(status).toBe(1);
  expect(stderr).toMatch(said);
});

it('serves nothing where PORT is no port', () => {
  const { status, stderr } = start([], { PORT: 'http' });
  expect(status).toBe(1);
  expect(stderr).toContain('PORT is "http", which is no port');
});
