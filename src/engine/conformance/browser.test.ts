import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findSets } from '../../cli/conformance-files.ts';
import { readShaders } from '../../cli/shaders.ts';
import { CONFORMANCE_FOLDERS, SHARED_VECTORS_MISSING } from '../../testing/conformance-folders.ts';
import type { checkSets, ServedSet } from './browser-check.ts';
import { isPassed } from './report.ts';

const PAGE = `<!doctype html><title>conformance</title>
<script type="module">import { checkSets } from './check.js'; window.checkSets = checkSets;</script>`;

let out: string;
let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'mopeft-conformance-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: out,
      minify: false,
      target: 'es2022',
      // Rare formats are chunks of their own, which are imported when they are needed.
      modulePreload: false,
      lib: {
        entry: fileURLToPath(new URL('./browser-check.ts', import.meta.url)),
        formats: ['es'],
        fileName: () => 'check.js',
      },
    },
  });
  server = createServer(async (request, response) => {
    const [, where, file = ''] = (request.url ?? '').split('/');
    const from = CONFORMANCE_FOLDERS[Number(where)];
    if (where?.endsWith('.js')) {
      response.setHeader('content-type', 'text/javascript').end(await readFile(join(out, where)));
    } else if (from && file) response.end(await readFile(join(from, decodeURIComponent(file))));
    else response.setHeader('content-type', 'text/html').end(PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // MOPEFT_CHROMIUM, else Debian's, else Playwright's own, as in playwright.config.ts.
  const executablePath = [process.env.MOPEFT_CHROMIUM, '/usr/bin/chromium'].find(
    (path) => path && existsSync(path),
  );
  browser = await chromium.launch({
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    ...(executablePath ? { executablePath } : {}),
  });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction('window.checkSets');
}, 180_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(out, { recursive: true, force: true });
});

it.skipIf(SHARED_VECTORS_MISSING).each(CONFORMANCE_FOLDERS.map((path, i) => [path, i] as const))(
  'the vectors of %s agree in Chromium',
  { timeout: 900_000 },
  async (path, i) => {
    const sets = (await findSets(path)).map(
      ({ name, json, files }): ServedSet => ({
        name,
        json,
        files: Object.fromEntries(
          [...files.keys()].map((file) => [file, `/${i}/${encodeURIComponent(file)}`]),
        ),
      }),
    );
    const reports = await page.evaluate(
      ([served, shaders]) =>
        (globalThis as unknown as { checkSets: typeof checkSets }).checkSets(served, shaders),
      [sets, Object.fromEntries(readShaders())] as const,
    );
    const over = reports.flatMap(({ parts }) =>
      parts.flatMap(({ comparisons }) => comparisons.filter(({ passed }) => !passed)),
    );
    expect(over).toEqual([]);
    expect(reports.length).toBe(sets.length);
    expect(reports.every(isPassed)).toBe(true);
  },
);
