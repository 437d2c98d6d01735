/**
 * `node --import tsx scripts/measure-import.mjs [COUNT]`: drops COUNT drawn images with masks (10,000 by default) on the
 * built studio and tells the time, the most JavaScript heap of the page and its workers, and how soon the Data page
 * shows them after a reload. For docs/measurements/data.md.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { encodePng } from '../e2e/support/png.ts';
import { importByDrop, openStudio } from '../e2e/support/studio.ts';
import { isBuilt } from './site/fresh.mjs';
import { staticServer } from './site/server.mjs';
import { findChromium } from './toolchain/chromium.mjs';
import { run } from './toolchain/run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SIDE = 64;
const MIB = 2 ** 20;
/** Milliseconds between two looks at the heap. */
const LOOK = 250;

/** One disc on noise; every image another. */
function drawPair(seed) {
  const image = new Uint8Array(SIDE * SIDE * 3);
  const mask = new Uint8Array(SIDE * SIDE);
  let state = seed + 1;
  const [x0, y0] = [16 + (seed % 32), 16 + ((seed >> 5) % 32)];
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const inside = Math.hypot(x - x0, y - y0) < 12;
      if (inside) mask[y * SIDE + x] = 255;
      for (let c = 0; c < 3; c++) image[(y * SIDE + x) * 3 + c] = (inside ? 150 : 40) + (state >>> 26);
    }
  return {
    image: encodePng({ width: SIDE, height: SIDE, channels: 3, data: image }),
    mask: encodePng({ width: SIDE, height: SIDE, channels: 1, data: mask }),
  };
}

async function writeImages(folder, count) {
  await mkdir(join(folder, 'images'), { recursive: true });
  await mkdir(join(folder, 'masks'));
  for (let i = 0; i < count; i++) {
    const { image, mask } = drawPair(i);
    await writeFile(join(folder, 'images', `${i}.png`), image);
    await writeFile(join(folder, 'masks', `${i}.png`), mask);
  }
}

/** Follows the heaps of the page and of each of its workers; `most` is the largest sum seen, in bytes. */
async function watchHeap(page) {
  const session = await page.context().newCDPSession(page);
  const workers = new Map();
  const answers = new Map();
  let calls = 0;
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') workers.set(sessionId, targetInfo);
  });
  session.on('Target.detachedFromTarget', ({ sessionId }) => workers.delete(sessionId));
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message);
    answers.get(id)?.(result);
    answers.delete(id);
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  const ofWorker = (sessionId) =>
    new Promise((resolve) => {
      const id = ++calls;
      answers.set(id, resolve);
      session
        .send('Target.sendMessageToTarget', {
          sessionId,
          message: JSON.stringify({ id, method: 'Runtime.getHeapUsage' }),
        })
        .catch(() => resolve(null));
    });
  const seen = { most: 0, buffers: 0, page: 0, worker: 0 };
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const own = await session.send('Runtime.getHeapUsage');
      const others = (await Promise.all([...workers.keys()].map(ofWorker))).filter(Boolean);
      const worker = others.reduce((sum, { usedSize }) => sum + usedSize, 0);
      const buffers = [own, ...others].reduce(
        (sum, { backingStorageSize = 0 }) => sum + backingStorageSize,
        0,
      );
      seen.page = Math.max(seen.page, own.usedSize);
      seen.worker = Math.max(seen.worker, worker);
      seen.most = Math.max(seen.most, own.usedSize + worker);
      seen.buffers = Math.max(seen.buffers, buffers);
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return seen;
  };
}

async function main() {
  const count = Number(process.argv[2] ?? 10_000);
  if (!(await isBuilt(root)) && (await run('npx', ['vite', 'build'], { cwd: root })) !== 0)
    throw new Error('The build failed.');
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-import-'));
  await writeImages(join(folder, 'many'), count);
  const server = staticServer({ root: join(root, 'dist'), basePath: '/studio/' });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/studio/`;
  const executablePath = findChromium();
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    ...(executablePath ? { executablePath } : {}),
    viewport: { width: 1280, height: 720 },
  });
  try {
    const page = await context.newPage();
    await openStudio(page, address);
    const stop = await watchHeap(page);
    const begun = performance.now();
    page.setDefaultTimeout(3_600_000);
    await importByDrop(page, [join(folder, 'many')]);
    const card = page.getByRole('article', { name: 'many' });
    await card.waitFor({ timeout: 3_600_000 });
    const seconds = (performance.now() - begun) / 1000;
    const { most, buffers, page: ofPage, worker } = await stop();
    const mib = (bytes) => Math.round(bytes / MIB);
    console.log(`${count} images with masks in ${seconds.toFixed(0)} s`);
    console.log(
      `JavaScript heap at most ${mib(most)} MiB (page ${mib(ofPage)}, workers ${mib(worker)}); buffers at most ${mib(buffers)} MiB`,
    );
    await page.reload();
    await page.getByText('Starting the engine …').waitFor({ state: 'hidden' });
    await card.getByRole('img').nth(5).waitFor();
    const opened = await page.evaluate(() => performance.now());
    console.log(`after a reload the card with its thumbnails is there at ${Math.round(opened)} ms`);
    await page.getByRole('link', { name: 'Train' }).click();
    const back = performance.now();
    await page.getByRole('link', { name: 'Data' }).click();
    await card.getByRole('img').nth(5).waitFor();
    console.log(`the Data page, from another page, in ${Math.round(performance.now() - back)} ms`);
    const view = performance.now();
    await card.getByRole('button', { name: 'View' }).click();
    await page.getByRole('dialog').getByRole('list', { name: 'Images' }).locator('canvas').nth(5).waitFor();
    const rows = await page.getByRole('dialog').getByRole('listitem').count();
    console.log(`the viewer in ${Math.round(performance.now() - view)} ms, with ${rows} rows`);
  } finally {
    await context.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
