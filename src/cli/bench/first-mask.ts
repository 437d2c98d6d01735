import { spawn } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from '@playwright/test';
import { preview } from 'vite';
import { Failure } from '../../config/failure.ts';
import { encodeImagePng } from '../../data/encode-png.ts';

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
const WIDTH = 256;
const HEIGHT = 192;
const MOST_MS = 300_000;
const MODEL_LINE = /mopeft-sam-tiny · .* px/;

/** A part of the way from an empty tab to a mask. */
export interface Stretch {
  readonly what: string;
  /** By the clock, milliseconds. */
  readonly ms: number;
  /** Of all processes of the browser, milliseconds. */
  readonly processorMs: number;
}

/** The case's name on the command line. */
export const FIRST_MASK = 'first-mask';

/**
 * Opens the built studio in a fresh tab, drops one image into Segment, clicks on it and waits for the mask, then does
 * the same with a second image: what a person waits for with the embedded model.
 * @param processorSeconds of the browser's processes so far.
 * @param checkout of the repository whose studio it is; by default this one.
 */
export async function timeFirstMask(
  browser: Browser,
  processorSeconds: () => Promise<number>,
  checkout = root,
): Promise<readonly Stretch[]> {
  const outDir = join(root, checkout === root ? 'out/bench-site' : 'out/bench-site-against');
  await buildSite(checkout, outDir);
  const server = await preview({
    root: checkout,
    configFile: false,
    logLevel: 'warn',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const [url] = server.resolvedUrls?.local ?? [];
  if (!url) throw new RangeError('the preview server has no address');
  const page = await browser.newPage();
  page.setDefaultTimeout(MOST_MS);
  const stretches: Stretch[] = [];
  const timed = async (what: string, work: () => Promise<number>): Promise<void> => {
    const before = await processorSeconds();
    const ms = await work();
    stretches.push({ what, ms, processorMs: 1000 * ((await processorSeconds()) - before) });
  };
  try {
    await page.addInitScript(noteModelShown, MODEL_LINE.source);
    const visit = async (): Promise<number> => {
      await page.goto(`${url}#/segment`);
      await page.getByText(MODEL_LINE).waitFor();
      return Number(await page.evaluate(() => document.documentElement.dataset.modelAt));
    };
    const image = async (index: number): Promise<number> => {
      await page.evaluate(noteMask);
      await openAndClick(page, index);
      return Number(await page.evaluate(() => document.documentElement.dataset.maskMs));
    };
    await timed('first visit: page opened, engine started, embedded model on the device and shown', visit);
    await timed(
      'first image at once opened, encoded and clicked: mask shown (kernels compiled on the way)',
      () => image(0),
    );
    await timed('second image opened, encoded and clicked: mask shown', () => image(1));
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await page.goto('about:blank');
    await timed('second visit: the same from what the browser keeps', visit);
  } finally {
    await page.close();
    await server.close();
  }
  return stretches;
}

/** Builds the studio of a checkout as its own configuration says, which counts on being read from there. */
async function buildSite(checkout: string, outDir: string): Promise<void> {
  const vite = join(checkout, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'build', '--logLevel', 'warn', '--outDir', relative(checkout, outDir), '--emptyOutDir'];
  const code = await new Promise<number | null>((done) => {
    spawn(process.execPath, args, { cwd: checkout, stdio: 'inherit' }).on('close', done);
  });
  if (code !== 0)
    throw new Failure({
      code: 'bench/no-site',
      what: `The studio could not be built; vite ended with ${code}.`,
      where: checkout,
      cure: 'Run npm ci there, and then npm run build to see why.',
    });
}

/** Runs in the page: notes on its own clock when the model's line is shown, as `data-model-at` of the document. */
function noteModelShown(line: string): void {
  new MutationObserver((_, observer) => {
    if (!new RegExp(line).test(document.body?.textContent ?? '')) return;
    observer.disconnect();
    document.documentElement.dataset.modelAt = String(performance.now());
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/**
 * Runs in the page: notes on its own clock how long it takes from the choice of a file to new candidates, as `data-mask-ms` of
 * the document.
 */
function noteMask(): void {
  const { dataset } = document.documentElement;
  const buttons = '[aria-label="Candidates"] button';
  let chosenAt = Number.POSITIVE_INFINITY;
  let isNew = !document.querySelector(buttons);
  delete dataset.maskMs;
  // Functions without names: the bundler would wrap others in a helper that the page does not have.
  document.addEventListener('change', () => (chosenAt = performance.now()), { capture: true, once: true });
  new MutationObserver((_, observer) => {
    if (!document.querySelector(buttons)) isNew = true;
    else if (isNew && performance.now() >= chosenAt) {
      observer.disconnect();
      dataset.maskMs = String(performance.now() - chosenAt);
    }
  }).observe(document, { subtree: true, childList: true });
}

/** Opens drawn image `index` by Segment's file button, clicks on its disc, waits for the candidates. */
async function openAndClick(page: Page, index: number): Promise<void> {
  const name = `disc-${index}.png`;
  const disc = { x: 80 + 60 * index, y: 96, radius: 40 };
  await page
    .getByLabel('Open a file …')
    .setInputFiles({ name, mimeType: 'image/png', buffer: Buffer.from(drawDisc(disc)) });
  await page.getByText(`${name} · ${WIDTH} × ${HEIGHT}`).waitFor();
  const canvas = page.getByRole('application').locator('canvas[data-view]');
  const [scale = 1, left = 0, top = 0] = ((await canvas.getAttribute('data-view')) ?? '')
    .split(' ')
    .map(Number);
  await canvas.click({ position: { x: left + disc.x * scale, y: top + disc.y * scale } });
  await page.getByRole('region', { name: 'Candidates' }).getByRole('button').first().waitFor();
}

/** A light disc on a dark ground, as a PNG. */
function drawDisc(disc: { x: number; y: number; radius: number }): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const inside = Math.hypot(x - disc.x, y - disc.y) < disc.radius;
      data.fill(inside ? 200 : 60, 3 * (y * WIDTH + x), 3 * (y * WIDTH + x) + 3);
    }
  return encodeImagePng({ width: WIDTH, height: HEIGHT, channels: 3, data });
}

/** The stretches as lines of text. */
export function describeFirstMask(stretches: readonly Stretch[]): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2).padStart(6)} s`;
  const lines = stretches.map(
    ({ what, ms, processorMs }) => `  ${seconds(ms)}, ${seconds(processorMs)} of the processor   ${what}`,
  );
  return [`${FIRST_MASK}: from an empty tab to a mask with the embedded model`, ...lines].join('\n');
}
