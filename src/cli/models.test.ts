import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { findCatalogueModel } from '../engine/catalogue/catalogue.ts';
import { downloadModel } from '../engine/catalogue/stored-models.ts';
import { type FakeHub, openFakeHub } from '../testing/fake-hub.ts';
import { modelSources } from './input-files.ts';
import { cacheFolder, hubAddress } from './model-cache.ts';
import { models } from './models.ts';
import { NodeStore } from './node-store.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = join(root, 'src/cli/main.ts');
const PATH = 'facebook/sam-vit-base/model.safetensors';
let folder: string;
let hub: FakeHub;
let tiny: Uint8Array;

/** Runs the program itself, with its arguments; `onError` hears what it writes to the error stream. */
async function mopeft(
  args: readonly string[],
  onError: (text: string, stop: () => void) => void = () => undefined,
) {
  const child = spawn(process.execPath, ['--import', 'tsx', entry, ...args], { cwd: root });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
    onError(stderr, () => child.kill('SIGINT'));
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  return { code, stderr };
}

/** What the command `models` prints. */
async function listed(...args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  await models(args);
  log.mockRestore();
  return lines.join('\n');
}

const stateOf = async (wanted: string) =>
  JSON.parse(await listed('--json')).models.find(({ id }: { id: string }) => id === wanted);

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
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('MOPEFT_MIRROR', hub.url);
  hub.requests.length = 0;
  return async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  };
});

it('lists the catalogue, and frees what is cached', async () => {
  await cacheTiny();
  expect(await listed()).toMatch(/^sam-vit-b +SAM ViT-B, about 358 MiB: downloaded$/m);
  expect(await listed()).toMatch(/^slimsam-77 +SlimSAM 77, about 37.1 MiB: not downloaded$/m);
  expect(await listed('--free', 'sam-vit-b')).toBe('sam-vit-b: 74.8 KiB freed');
  const { models } = JSON.parse(await listed('--free', 'sam-vit-b', '--json'));
  expect(models[0]).toMatchObject({ id: 'sam-vit-b', state: 'absent', storedBytes: 0 });
  expect(await stateOf('sam-vit-b')).toMatchObject({ state: 'absent', storedBytes: 0 });
});

it('opens a cached model by its id without a request', async () => {
  await cacheTiny();
  hub.requests.length = 0;
  const [weights, config] = await modelSources('sam-vit-b');
  expect([weights?.name, config?.name]).toEqual(['sam-vit-b/model.safetensors', 'sam-vit-b/config.json']);
  expect(weights && Buffer.compare(await weights.read(0, weights.size), tiny)).toBe(0);
  expect(hub.requests).toEqual([]);
});

it('says where from and how large before it asks the mirror, and refuses what the mirror has in its place', async () => {
  vi.stubEnv('MOPEFT_MIRROR', 'https://mirror.invalid');
  const { code, stderr } = await mopeft(['inspect', '--model', 'sam-vit-b', '--mirror', `${hub.url}/`]);
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
  let isStopped = false;
  const { code, stderr } = await mopeft(['inspect', '--model', 'slimsam-77'], (text, stop) => {
    // A second one would end it at once.
    if (!isStopped && / 39\.1 KiB of/.test(text)) {
      isStopped = true;
      stop();
    }
  });
  hub.goOn();
  expect(stderr).toContain('slimsam-77: The download was stopped.');
  expect(code).toBe(1);
  expect(await stateOf('slimsam-77')).toMatchObject({ state: 'partial', storedBytes: 40_000 });
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await expect(modelSources('slimsam-77')).rejects.toThrow(/SHA-256 is \w{12}… and should be b0ee221e3d33…/);
  error.mockRestore();
  write.mockRestore();
  expect(hub.requests).toEqual(['whole', 'bytes=40000-']);
  expect(await stateOf('slimsam-77')).toMatchObject({ state: 'absent' });
});

it('leaves a model alone that another process is downloading', async () => {
  await mkdir(join(folder, 'mopeft/locks'), { recursive: true });
  await writeFile(join(folder, 'mopeft/locks/sam-vit-b'), String(process.pid));
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await expect(modelSources('sam-vit-b')).rejects.toThrow(
    `Process ${process.pid} is downloading this model.`,
  );
  error.mockRestore();
});

it('names the ids where a path is neither a file nor one of them', async () => {
  await expect(modelSources('sam-vit-x')).rejects.toThrow(/catalogue: sam-vit-b, sam-vit-l/);
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
