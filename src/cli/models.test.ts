import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findCatalogueModel } from '../engine/catalogue/catalogue.ts';
import { downloadModel } from '../engine/catalogue/stored-models.ts';
import { type FakeHub, openFakeHub } from '../testing/fake-hub.ts';
import { cacheFolder, hubAddress } from './model-cache.ts';
import { NodeStore } from './node-store.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'src/cli/main.ts');
const PATH = 'facebook/sam-vit-base/model.safetensors';
let folder: string;
let hub: FakeHub;
let tiny: Uint8Array;

async function mopeft(...args: readonly string[]) {
  const env = { ...process.env, XDG_CACHE_HOME: folder, MOPEFT_MIRROR: hub.url };
  try {
    const { stdout, stderr } = await execute(process.execPath, ['--import', 'tsx', entry, ...args], {
      cwd: root,
      env,
    });
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    return thrown as { code: number; stdout: string; stderr: string };
  }
}

/** Puts a small SAM in the place of ViT-B into the cache, as a download does. */
async function cacheTiny(): Promise<void> {
  const config = JSON.parse(await readFile(join(root, 'tests/vectors/hf/config.json'), 'utf8'));
  await downloadModel(
    {
      ...findCatalogueModel('sam-vit-b'),
      bytes: tiny.length,
      files: [{ name: 'model.safetensors' }],
      config,
    },
    {
      store: new NodeStore(join(folder, 'mopeft')),
      fetch: (url, init) => fetch(url, init),
      freeBytes: async () => null,
      isOnline: () => true,
      wait: async () => undefined,
      now: () => 0,
    },
    { hub: hub.url },
  );
}

beforeAll(async () => {
  tiny = await readFile(join(root, 'tests/vectors/hf/model.safetensors'));
  hub = await openFakeHub({ [PATH]: tiny });
});
afterAll(() => hub.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-cache-'));
  return () => rm(folder, { recursive: true, force: true });
});

it('lists the catalogue, and frees what is cached', async () => {
  await cacheTiny();
  const listed = await mopeft('models');
  expect(listed.stdout).toMatch(/^sam-vit-b +SAM ViT-B, about 358 MiB: downloaded$/m);
  expect(listed.stdout).toMatch(/^slimsam-77 +SlimSAM 77, about 37.1 MiB: not downloaded$/m);
  expect((await mopeft('models', '--free', 'sam-vit-b')).stdout).toMatch(/^sam-vit-b: 74.8 KiB freed$/m);
  const { models } = JSON.parse((await mopeft('models', '--json')).stdout);
  expect(models[0]).toMatchObject({ id: 'sam-vit-b', state: 'absent', storedBytes: 0 });
});

it('opens a cached model by its id without a request', async () => {
  await cacheTiny();
  hub.requests.length = 0;
  const { stdout, stderr } = await mopeft('inspect', '--model', 'sam-vit-b', '--json');
  expect(stderr).not.toMatch(/download/);
  expect(JSON.parse(stdout)).toMatchObject({ file: 'sam-vit-b/model.safetensors' });
  expect(hub.requests).toEqual([]);
});

it('says where from and how large before it asks the mirror, and refuses what the mirror has in its place', async () => {
  const { code, stderr } = await mopeft('inspect', '--model', 'sam-vit-b', '--mirror', `${hub.url}/`);
  expect(stderr).toContain(
    `downloading SAM ViT-B, about 358 MiB, from ${hub.url}/facebook/sam-vit-base (Apache-2.0`,
  );
  expect(stderr).toContain('76,544 bytes there, and the model has 374,979,480');
  expect(code).toBe(1);
  expect(await readdir(join(folder, 'mopeft', 'locks'))).toEqual([]);
});

it('stops with Ctrl+C and goes on from there; what is not the model’s is removed', async () => {
  hub.files.set('Zigeng/SlimSAM-uniform-77/model.safetensors', tiny);
  hub.faults.push({ kind: 'stall', after: 40_000 });
  hub.requests.length = 0;
  const child = spawn(process.execPath, ['--import', 'tsx', entry, 'inspect', '--model', 'slimsam-77'], {
    cwd: root,
    env: { ...process.env, XDG_CACHE_HOME: folder, MOPEFT_MIRROR: hub.url },
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    const hadCome = / 39\.1 KiB of/.test(stderr);
    stderr += text;
    // A second one would end it at once.
    if (!hadCome && / 39\.1 KiB of/.test(stderr)) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  hub.goOn();
  expect(stderr).toContain('slimsam-77: The download was stopped.');
  expect(code).toBe(1);
  const again = await mopeft('inspect', '--model', 'slimsam-77');
  expect(hub.requests).toEqual(['whole', 'bytes=40000-']);
  expect(again.stderr).toMatch(/SHA-256 is \w{12}… and should be b0ee221e3d33…/);
  const { models } = JSON.parse((await mopeft('models', '--json')).stdout);
  expect(models.find(({ id }: { id: string }) => id === 'slimsam-77')).toMatchObject({ state: 'absent' });
});

it('leaves a model alone that another process is downloading', async () => {
  await mkdir(join(folder, 'mopeft/locks'), { recursive: true });
  await writeFile(join(folder, 'mopeft/locks/sam-vit-b'), String(process.pid));
  const { stderr } = await mopeft('inspect', '--model', 'sam-vit-b');
  expect(stderr).toContain(`Process ${process.pid} is downloading this model.`);
});

it('names the ids where a path is neither a file nor one of them', async () => {
  expect((await mopeft('inspect', '--model', 'sam-vit-x')).stderr).toMatch(/catalogue: sam-vit-b, sam-vit-l/);
});

it.each([
  ['linux', {}, '/home/a/.cache/mopeft'],
  ['linux', { XDG_CACHE_HOME: '/fast' }, '/fast/mopeft'],
  ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/a/.cache/mopeft'],
  ['darwin', {}, '/home/a/Library/Caches/mopeft'],
  ['win32', { LOCALAPPDATA: '/local' }, '/local/mopeft'],
  ['win32', {}, '/home/a/AppData/Local/mopeft'],
] as const)('keeps its cache beside the others of %s with %j', (platform, env, path) => {
  expect(cacheFolder({ platform, env, home: '/home/a' }).replaceAll('\\', '/')).toBe(path);
});

it('takes the first of several addresses, which are those of the studio’s policy too', () => {
  expect(hubAddress('https://mirror.example/ https://storage.example')).toBe('https://mirror.example');
  expect(hubAddress('')).toBe('https://huggingface.co');
});

it.each(['mirror.example', 'ftp://mirror.example', 'https://'])('takes %j for no mirror', (mirror) => {
  expect(() => hubAddress(mirror)).toThrow(/no address/);
});
