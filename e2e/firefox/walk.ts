/**
 * The studio in Firefox, whose WebGPU is another implementation (wgpu) than that of Chromium: first page → import → click → training →
 * verdict, on drawn data. `npm run test:firefox` builds and runs it; MOPEFT_FIREFOX names a Firefox that is not in the usual places.
 * Playwright drives only a Firefox of its own, so this goes by WebDriver BiDi.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Page } from 'puppeteer-core';
import { listen, staticServer } from '../../scripts/site/server.mjs';
import { adapterEnvironment } from '../../scripts/toolchain/adapter.mjs';
import { findChromium } from '../../scripts/toolchain/chromium.mjs';
import { drawPair } from '../support/domains.ts';

const USUAL = [
  '/usr/bin/firefox',
  '/usr/bin/firefox-esr',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
];
/** On Linux WebGPU is off by default, and a software adapter is blocked. */
const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
};
const [IMAGES, STEPS] = [6, 2];
/** Milliseconds: a software adapter is slow. */
const LONG = 120_000;

const executablePath = [process.env.MOPEFT_FIREFOX, ...USUAL].find((path) => path && existsSync(path));
if (!executablePath)
  throw new Error('No Firefox was found. Install it, or name one with MOPEFT_FIREFOX=/path/to/firefox.');

/** Waits until the page has a text. */
async function expectText(page: Page, pattern: RegExp): Promise<string> {
  const find = (source: string): string | null =>
    new RegExp(source).exec(document.body.textContent)?.[0] ?? null;
  try {
    const found = await page.waitForFunction(find, { timeout: LONG, polling: 250 }, pattern.source);
    const text = String(await found.jsonValue());
    console.log(`✓ ${text.replaceAll(/\s+/g, ' ')}`);
    return text;
  } catch (cause) {
    const shown = await page.evaluate(() => document.body.textContent);
    throw new Error(`${pattern} never appeared; the page says:\n${shown}`, { cause });
  }
}

const press = (page: Page, name: string): Promise<void> =>
  page.locator(`::-p-aria([name="${name}"][role="button"])`).setTimeout(LONG).click();

async function fill(page: Page, label: string, value: number): Promise<void> {
  await page.locator(`::-p-aria([name="${label}"][role="spinbutton"])`).fill(String(value));
}

async function walk(page: Page, site: string): Promise<void> {
  await page.goto(site);
  await expectText(page, /As it comes\s*IoU 0\.\d+\s*Tuned\s*IoU 0\.\d+/);

  const folder = await mkdtemp(join(tmpdir(), 'mopeft-firefox-'));
  const files: string[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const { image, mask } = drawPair('discs', i);
    for (const [name, bytes] of [
      [`disc_${i}.png`, image],
      [`disc_${i}_mask.png`, mask],
    ] as const) {
      files.push(join(folder, name));
      await writeFile(join(folder, name), bytes);
    }
  }
  await page.goto(`${site}#/data`);
  await expectText(page, /Your images and masks/);
  const chooser = await page.waitForSelector('input[type=file]:not([webkitdirectory])');
  await chooser?.uploadFile(...files);
  await page.locator('::-p-text(Import 1 dataset)').setTimeout(LONG).click();
  await expectText(page, /6 \(6 with a mask\)/);

  await page.goto(`${site}#/train`);
  await expectText(page, /6 images with \d+ objects/);
  await page.locator('::-p-text(Low memory)').click();
  await page.locator('::-p-text(Advanced settings)').click();
  await fill(page, 'Steps', STEPS);
  await fill(page, 'Images per step', 1);
  await press(page, 'Start training');
  await expectText(page, new RegExp(`finished · step ${STEPS} of ${STEPS}`));
  await expectText(page, /on \d test images?/);
  await press(page, 'Use in Segment');
  await expectText(page, /Candidates/);
}

const server = staticServer({ root: join(import.meta.dirname, '../../dist'), basePath: '/studio/' });
const site = `http://127.0.0.1:${await listen(server, { port: 0 })}/studio/`;
const browser = await puppeteer.launch({
  browser: 'firefox',
  executablePath,
  headless: true,
  protocolTimeout: LONG,
  extraPrefsFirefox: PREFERENCES,
  env: await adapterEnvironment(findChromium()),
});
const wrong: string[] = [];
try {
  console.log(await browser.version());
  const page = await browser.newPage();
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on(
    'request',
    (request) =>
      request.url().startsWith('http') &&
      !request.url().startsWith(site) &&
      wrong.push(`a request to ${request.url()}`),
  );
  await walk(page, site);
} finally {
  await browser.close();
  server.close();
}
if (wrong.length > 0) throw new Error(wrong.join('\n'));
