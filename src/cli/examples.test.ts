import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsx = import.meta.resolve('tsx');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-examples-'));
  // What an example reads by a path from the root; what it writes goes into the folder.
  for (const name of ['public', 'tests']) await symlink(join(root, name), join(folder, name), 'junction');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(name: string): Promise<string> {
  const args = ['--import', tsx, join(root, 'examples', name)];
  return (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout;
}

it('runs an op forward and backward', async () => {
  expect(await run('op.ts')).toBe('y = 9,22,32,9,26,34\ndw = 1,2,3,4,0,0\n');
});

it('segments an image with the embedded model and a click', async () => {
  expect(await run('segment.ts')).toMatch(/^(mask-[0-2]\.png: \d+ pixels, predicted IoU 0\.\d{3}\n){3}$/);
  expect((await readFile(join(folder, 'mask-0.png'))).subarray(1, 4).toString()).toBe('PNG');
});
