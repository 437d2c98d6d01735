/**
 * `npm run screenshots`: makes the pictures of docs/images from the studio as it is now, with the demo's data. Builds when
 * needed, serves the build on this machine and drives Chromium with its software adapter, as the journeys in e2e/ do.
 * It trains for real, which takes some minutes without a GPU; `npm run screenshots -- --without-training` leaves out what
 * needs that. Same data and seeds every time; only dates and times differ.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { writeDomain } from '../e2e/support/domains.ts';
import { clickImage, dropOnPage, openPage, setNumber } from '../e2e/support/studio.ts';
import { demoDomains, drawDemo } from '../src/engine/demo/domains.ts';
import { isBuilt } from './site/fresh.mjs';
import { listen, staticServer } from './site/server.mjs';
import { smallerPng } from './smaller-png.mjs';
import { ensureChromium } from './toolchain/chromium.mjs';
import { run } from './toolchain/run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const IMAGES = join(root, 'docs/images');
const STEPS = 6;
/** Milliseconds that the software adapter may take to train and measure. */
const TRAINING = 1_800_000;

/**
 * Notices come and go by the clock; the note says only that this machine has no GPU. Hidden from the start: a canvas whose place
 * grows in the moment of a picture is blank on it.
 */
const HIDDEN = '[role="note"], [role="region"][aria-label^="Notifications"] { display: none !important; }';

/** Waits until the page's own text says something. */
async function waitForText(page, region, text, options) {
  await page
    .getByRole(...region)
    .filter({ hasText: text })
    .first()
    .waitFor(options);
}

/** The screenshots taken so far by name. They are written together, so that a run that fails changes none. */
const taken = new Map();

/** Takes what is on the screen as <name>.png, from the page's top or from `region` on. */
async function shoot(page, name, region) {
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() => document.querySelector('main')?.scrollTo(0, 0));
  await region?.evaluate((element) => element.scrollIntoView());
  // The pointer rests where it shows no tooltip.
  await page.mouse.move(0, 719);
  // A chart has its axes before its curves.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('svg.recharts-surface')].every((chart) =>
      chart.querySelector('path.recharts-curve'),
    ),
  );
  // Canvases are drawn at the next frame, and shown at the one after.
  await page.getByText('Working …').waitFor({ state: 'hidden' });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  taken.set(`${name}.png`, smallerPng(png));
  console.log(
    `${Math.round(performance.now() / 1000)} s  ${name}.png  ${Math.round((taken.get(`${name}.png`)?.length ?? 0) / 1024)} KiB`,
  );
}

async function data(page, folder) {
  await page.getByRole('button', { name: 'Try the demo' }).click();
  for (const name of ['Demo cells', 'Demo cracks', 'Demo leaves']) {
    const thumbnails = page.getByRole('article', { name }).getByRole('img');
    await thumbnails.nth(5).waitFor();
  }
  await shoot(page, 'data');
  await page.getByRole('article', { name: 'Demo cells' }).getByRole('button', { name: 'View' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('img', { name: /with its mask/ }).waitFor();
  // Thumbnails are drawn when they come into view; twelve of them are.
  await dialog.getByRole('list', { name: 'Images' }).locator('canvas').nth(11).waitFor();
  await shoot(page, 'data-viewer');
  await page.keyboard.press('Escape');

  await writeDomain(folder, 'discs', 6);
  const damaged = join(folder, 'discs/masks/discs_01.png');
  await writeFile(damaged, 'not an image');
  await writeFile(join(folder, 'discs/masks/discs_99.png'), 'a mask of nothing');
  await dropOnPage(page, [join(folder, 'discs')]);
  const preview = page.getByRole('region', { name: 'Before the import' });
  await preview.waitFor();
  await shoot(page, 'data-preview');
  await preview.getByRole('button', { name: /^Import/ }).click();
  const refused = page.getByRole('region', { name: 'Files to check' });
  await refused.waitFor();
  await page.getByRole('article', { name: 'discs' }).waitFor();
  await shoot(page, 'data-refused');
  await page.getByRole('button', { name: 'Delete discs' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('article', { name: 'discs' }).waitFor({ state: 'detached' });
}

async function train(page) {
  await openPage(page, 'Train');
  // Those that were just added are chosen already; two are enough to compare gates.
  await page.getByRole('checkbox', { name: /Demo cracks/ }).uncheck();
  await page.getByRole('radio', { name: 'Quick' }).check({ force: true });
  await waitForText(page, ['complementary', { name: 'Cost and start' }], /at the peak/);
  await waitForText(page, ['group', { name: 'How long may it learn?' }], /min/);
  await shoot(page, 'train-new');
  // Fewer and smaller steps than the preset's, since there is no GPU. Views that come again skip the lower half of the blocks.
  await page.getByText('Advanced settings').click();
  await page.getByLabel('Blocks', { exact: true }).selectOption({ label: 'The last half' });
  await setNumber(page, /^Steps/, STEPS);
  await setNumber(page, /^Validate every/, 2);
  await setNumber(page, /^Validation images/, 2);
  await setNumber(page, /^Images per step/, 1);
  await setNumber(page, /^Objects per image/, 3);
  await setNumber(page, /^Objects per validation image/, 3);
  await setNumber(page, /^Corrective clicks/, 0);
  await setNumber(page, /^Smallest crop/, 1);
  await setNumber(page, /^Brightness/, 0);
  await setNumber(page, /^Contrast/, 0);
  await page.getByRole('button', { name: 'Start training' }).click();

  const head = ['region', { name: 'Run', exact: true }];
  await waitForText(page, head, new RegExp(`running · step ${STEPS - 2} of`), { timeout: TRAINING });
  await shoot(page, 'train-running');
  await waitForText(page, head, /finished · step/, { timeout: TRAINING });
  await page.getByRole('region', { name: 'Verdict' }).waitFor();
  await shoot(page, 'train-verdict');
  await page.getByRole('tab', { name: 'Gates' }).click();
  await shoot(page, 'train-gates', page.getByRole('region', { name: 'Gates', exact: true }));
  await page.getByRole('button', { name: 'Use in Segment' }).click();
}

/** The middle of the largest object of an image of the demo's cells, in its pixels. */
function middleOfObject(index) {
  const cells = demoDomains.find(({ id }) => id === 'cells');
  const { data, width } = drawDemo(cells, index).objects;
  const sums = new Map();
  for (const [at, id] of data.entries()) {
    if (id === 0) continue;
    const { x, y, n } = sums.get(id) ?? { x: 0, y: 0, n: 0 };
    sums.set(id, { x: x + (at % width), y: y + Math.floor(at / width), n: n + 1 });
  }
  const largest = [...sums.values()].sort((a, b) => b.n - a.n)[0];
  return { x: largest.x / largest.n, y: largest.y / largest.n };
}

async function segment(page) {
  await page.getByRole('main', { name: 'Segment' }).waitFor();
  await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'Demo cells' });
  const images = page.getByRole('combobox', { name: 'Image' });
  const test = images.locator('option', { hasText: '(test)' }).first();
  const name = await test.getAttribute('value');
  await images.selectOption(name);
  await clickImage(page, middleOfObject(Number(name.match(/\d+/)[0]) - 1));
  const candidates = page.getByRole('region', { name: 'Candidates' }).getByRole('button');
  await candidates.nth(2).waitFor();
  await page.getByText('Working …').waitFor({ state: 'hidden' });
  await waitForText(page, ['region', { name: 'Gates of this image' }], /mean/);
  await shoot(page, 'segment');
  await page.getByRole('button', { name: 'Keep for Export' }).click();
}

/** The objects of an image, and what Find all makes of it. */
async function label(page) {
  await openPage(page, 'Segment');
  await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'Demo cells' });
  const images = page.getByRole('combobox', { name: 'Image' });
  await images.selectOption(
    await images.locator('option', { hasText: '(train)' }).first().getAttribute('value'),
  );
  await page.getByRole('list', { name: 'Objects' }).getByRole('listitem').first().waitFor();
  await page.getByText('Working …').waitFor({ state: 'hidden' });
  await shoot(page, 'label');
  const find = page.getByRole('region', { name: 'Find all' });
  await find.getByRole('button', { name: 'Find all objects' }).click();
  await find
    .getByRole('button', { name: 'Show them' })
    .or(find.getByText(/^\d+ objects? ·/))
    .waitFor();
  if (await find.getByRole('button', { name: 'Show them' }).isVisible())
    await find.getByRole('button', { name: 'Show them' }).click();
  await find.getByText(/^\d+ objects? ·/).waitFor();
  await find.evaluate((element) => element.scrollIntoView({ block: 'nearest' }));
  await shoot(page, 'find');
}

async function exportPage(page) {
  await openPage(page, 'Export');
  await waitForText(page, ['region', { name: 'Masks' }], /1 mask/);
  await shoot(page, 'export');
}

async function models(page) {
  await openPage(page, 'Models');
  // The memory of every model is planned first.
  await page.getByText('with the default settings').first().waitFor();
  await page.getByText('…', { exact: true }).first().waitFor({ state: 'hidden' });
  await shoot(page, 'models');
}

async function main() {
  const executablePath = await ensureChromium(root);
  if (!(await isBuilt(root)) && (await run('npm', ['run', '--silent', 'build'], { cwd: root })) !== 0)
    throw new Error('The build failed.');
  await mkdir(IMAGES, { recursive: true });
  const server = staticServer({ root: join(root, 'dist') });
  const port = await listen(server, {});
  const browser = await chromium.launch({
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    ...(executablePath ? { executablePath } : {}),
  });
  try {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 720 },
      colorScheme: 'light',
      // The site's policy would refuse the style that hides notices.
      bypassCSP: true,
      reducedMotion: 'reduce',
      locale: 'en-GB',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(`http://127.0.0.1:${port}/#/data`);
    await page.addStyleTag({ content: HIDDEN });
    await page.getByRole('button', { name: 'Try the demo' }).waitFor();
    await data(page, await mkdtemp(join(tmpdir(), 'mopeft-screenshots-')));
    const trains = !process.argv.includes('--without-training');
    if (trains) await train(page);
    if (trains) await segment(page);
    await label(page);
    if (trains) await exportPage(page);
    await models(page);
    for (const [name, png] of taken) await writeFile(join(IMAGES, name), png);
  } finally {
    await browser.close();
    server.close();
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
