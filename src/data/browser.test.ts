import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { staticServer } from '../../scripts/site/server.mjs';
import { type BrowserFindings, KILL_POINTS, sumsOfImages } from './browser-check.ts';
import { writeZip } from './zip.ts';

/** The worker and the page of this test: both call the bundled checks. */
const WORKER = `import * as checks from './check.js';
onmessage = ({ data: [name, ...given] }) =>
  checks[name](...given).then(postMessage, (error) => setTimeout(() => { throw error; }));
postMessage('ready');`;
/** Calls a check in a worker of its own, which is started as the engine's is and ended when it has answered. */
const PAGE = `import { checkBrowser } from './check.js';
window.checkBrowser = checkBrowser;
window.inWorker = (...call) => new Promise((resolve, reject) => {
  const entry = 'import ' + JSON.stringify(new URL('worker.js', document.baseURI).href) + ';';
  const blob = URL.createObjectURL(new Blob([entry], { type: 'text/javascript' }));
  const worker = new Worker(blob, { type: 'module' });
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => {
    if (data === 'ready') return worker.postMessage(call);
    worker.terminate();
    resolve(data);
  };
});
window.isAnyPartLocked = async () =>
  (await navigator.locks.query()).held.some(({ name }) => name.includes('.part '));`;
const HTML = '<!doctype html><title>check</title><script type="module" src="./page.js"></script>';

const files = ['images', 'formats'].flatMap((set) => {
  const vectors = new URL(`../../tests/vectors/images/${set}.json`, import.meta.url);
  return (JSON.parse(readFileSync(vectors, 'utf8')) as { file: string }[]).map(({ file }) => file);
});
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
/** A packed entry, as the browser itself unpacks it; goes first, before the images. */
const zip = await writeZip({ 'a.png': new Uint8Array(5000), 'b.png': new Uint8Array(7) });
const given = [Buffer.from(zip).toString('base64'), ...files];

interface Checked {
  checkBrowser(zip: Uint8Array, files: readonly Uint8Array[]): Promise<BrowserFindings>;
  inWorker<T>(name: string, ...given: readonly unknown[]): Promise<T>;
  isAnyPartLocked(): Promise<boolean>;
}

let folder: string;
let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-browser-'));
  // As the studio is built and served: relative addresses, below a folder, under its Content-Security-Policy.
  await build({
    configFile: false,
    logLevel: 'error',
    base: './',
    build: {
      outDir: folder,
      target: 'es2022',
      assetsInlineLimit: 0,
      // One build for page and worker: what preloads modules on a page needs a document.
      modulePreload: false,
      rolldownOptions: {
        input: fileURLToPath(new URL('./browser-check.ts', import.meta.url)),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: 'check.js' },
      },
    },
  });
  await writeFile(join(folder, 'index.html'), HTML);
  await writeFile(join(folder, 'page.js'), PAGE);
  await writeFile(join(folder, 'worker.js'), WORKER);
  server = staticServer({ root: folder, basePath: '/some/folder/' });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // MOPEFT_CHROMIUM, else Debian's, else Playwright's own, as in playwright.config.ts.
  const executablePath = [process.env.MOPEFT_CHROMIUM, '/usr/bin/chromium'].find(
    (path) => path && existsSync(path),
  );
  const args = ['--no-sandbox', '--js-flags=--expose-gc'];
  browser = await chromium.launch({ args, ...(executablePath ? { executablePath } : {}) });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/some/folder/`);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function expectAll(found: BrowserFindings): Promise<void> {
  expect(found.zip).toEqual([5000, 7, 5000]);
  expect(found.images).toEqual(await sumsOfImages(files.map(bytes)));
}

/** Calls a check of `browser-check.ts` in a worker. */
function inWorker<T>(name: string, ...texts: readonly string[]): Promise<T> {
  return page.evaluate(
    ([check = '', ...given]) => (globalThis as unknown as Checked).inWorker<T>(check, ...given),
    [name, ...texts],
  );
}

it('images and zips on a page are what they are in Node', async () => {
  await page.waitForFunction(() => 'checkBrowser' in globalThis);
  const found = await page.evaluate((list) => {
    const [zip, ...images] = list.map((file: string) => Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
    return (globalThis as unknown as Checked).checkBrowser(zip ?? new Uint8Array(0), images);
  }, given);
  await expectAll(found);
});

it('in a worker too', async () => {
  const found = await page.evaluate((list) => {
    const [zip, ...images] = list.map((file: string) => Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
    return (globalThis as unknown as Checked).inWorker<BrowserFindings>('checkBrowser', zip, images);
  }, given);
  await expectAll(found);
});

it('the browser storage keeps its promises', async () => {
  expect(await inWorker('checkOpfs', 'promises')).toBe('kept');
});

it('the browser storage answers every write, though garbage is collected meanwhile', async () => {
  expect(await inWorker('checkCollected', 'collected')).toBe('kept');
}, 60_000);

it.each(KILL_POINTS.flatMap((point) => [[point, 'before'] as const, [point, 'after'] as const]))(
  'a write that is cut off at %s, %s it, leaves the old file or the new one, and no part after the next start',
  async (point, moment) => {
    await inWorker('writeUntilStuck', 'killed', point, moment);
    // A worker that was ended gives its locks back a moment later.
    await page.waitForFunction(async () => !(await (globalThis as unknown as Checked).isAnyPartLocked()));
    expect(await inWorker('checkAfterStuck', 'killed')).toBe('kept');
  },
);
