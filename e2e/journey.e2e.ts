/** The whole way: drop → train → close → resume → verdict → segment → export → import → the same mask. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { firstDisc, writeDomain } from './support/domains.ts';
import { recordTasks } from './support/main-thread.ts';
import {
  bytesOf,
  chooseImage,
  clickImage,
  downloadAdapter,
  expectAccessible,
  expectIdle,
  importByDrop,
  openPage,
  openStudio,
  saveMask,
  setNumber,
  watchErrors,
  watchRequests,
} from './support/studio.ts';

const STEPS = 12;
/** Of each domain; of the one that is trained so many that validation can tell a gain and the run does not keep the base model. */
const IMAGES = { discs: 14, bars: 3 } as const;
const MEASURED_STEPS = 3;
/**
 * Milliseconds; a person notices a longer block. Compared with the processor time of a task, not the wall clock: a
 * software adapter takes every core from the page, and the clock would measure that.
 */
const LONGEST_TASK = 100;

test('from a folder of images to a mask of an imported adapter', async ({ browser, context, baseURL }) => {
  test.setTimeout(900_000);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-journey-'));
  await writeDomain(folder, 'discs', IMAGES.discs);
  await writeDomain(folder, 'bars', IMAGES.bars);

  let page = await context.newPage();
  const foreign = watchRequests(page, baseURL ?? '');
  const errors = watchErrors(page);
  await openStudio(page);

  await test.step('a dropped folder becomes one card per domain', async () => {
    await importByDrop(page, [join(folder, 'discs'), join(folder, 'bars')]);
    for (const name of ['discs', 'bars'] as const) {
      const card = page.getByRole('article', { name });
      await expect(card).toContainText(`${IMAGES[name]} (${IMAGES[name]} with a mask)`);
      await expect(card).toContainText('binary');
      await expect(card.getByRole('img').first()).toBeVisible();
    }
    await expectAccessible(page);
  });

  await test.step('the cost is shown before the start', async () => {
    await openPage(page, 'Train');
    await page.getByRole('checkbox', { name: /discs/ }).check();
    await page.getByRole('checkbox', { name: /bars/ }).uncheck();
    await page.getByText('Advanced').click();
    await setNumber(page, /^Steps/, STEPS);
    await setNumber(page, /^Validate every/, 4);
    await setNumber(page, /^Checkpoint every/, 2);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Corrective clicks/, 0);
    await setNumber(page, /^Learning rate of the methods/, 0.004);
    await setNumber(page, /^Learning rate of the mask decoder/, 0.001);
    const cost = page.getByRole('complementary', { name: 'Cost and start' });
    await expect(cost).toContainText(/[\d.]+ [kM]?\s*parameters/);
    await expect(cost).toContainText(/MiB at the peak/);
    await expectAccessible(page);
  });

  await test.step('it trains, and the page stays quick', async () => {
    const run = page.getByRole('region', { name: 'Run', exact: true });
    const main = page.locator('main');
    await main.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    expect(await main.evaluate((element) => element.scrollTop), 'the form is scrolled').toBeGreaterThan(0);
    const tasks = await recordTasks(browser, page, async () => {
      await page.getByRole('button', { name: 'Start training' }).click();
      // Polls rarely and cheaply, since polling is work for the main thread too.
      await page.waitForFunction(
        (least) =>
          Number(/step (\d+) of/.exec(document.querySelector('main')?.textContent ?? '')?.[1]) >= least,
        MEASURED_STEPS,
        { polling: 500, timeout: 400_000 },
      );
    });
    expect(tasks.length, 'the trace holds the main thread').toBeGreaterThan(100);
    const long = tasks.filter((task) => task.clock > LONGEST_TASK);
    test.info().annotations.push({
      type: 'main thread while training',
      description: `longest ${tasks[0]?.own.toFixed(0)} ms of the processor; ${long.length} tasks over ${LONGEST_TASK} ms by the clock`,
    });
    expect(
      tasks.filter((task) => task.own > LONGEST_TASK),
      'main-thread tasks over 100 ms while training',
    ).toEqual([]);
    await expect(page.getByRole('img', { name: /Training loss at step [1-9]/ })).toBeVisible();
    await page.getByRole('tab', { name: 'Gates' }).click();
    await expect(page.getByRole('table').first()).toContainText('LoRA');
    await page.getByRole('tab', { name: 'Progress' }).click();
    await expect(run).toContainText('running');
    await expect(page.getByText('No thread could be opened'), 'images have a thread').toHaveCount(0);
    const top = await main.evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({
      scrollTop,
      canScroll: scrollHeight > clientHeight,
    }));
    expect(top, 'a run is shown from its top').toEqual({ scrollTop: 0, canScroll: true });
    await expectAccessible(page);
  });

  await test.step('a closed page goes on from its checkpoint', async () => {
    await page.close();
    page = await context.newPage();
    errors.push(...watchErrors(page));
    await openStudio(page, '#/train');
    const run = page.getByRole('region', { name: 'Run', exact: true });
    await expect(run).toContainText('interrupted');
    await page.getByText('Where the time goes').click();
    await expect(page.getByRole('img', { name: /Time of the last steps: step [1-9]/ })).toBeVisible();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Time the parts of the next step' }).click();
    await expect(page.getByRole('img', { name: /Step \d+ by kind of work: .* %/ })).toBeVisible({
      timeout: 400_000,
    });
    await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 400_000 });
  });

  await test.step('loss fell, gates moved, and there is a verdict', async () => {
    const download = page.waitForEvent('download');
    await openPage(page, 'Export');
    await page.getByRole('button', { name: 'Download losses and gates' }).click();
    const losses = lossesOf((await bytesOf(await download)).toString('utf8'));
    expect(losses).toHaveLength(STEPS);
    expect(mean(losses.slice(-4))).toBeLessThan(mean(losses.slice(0, 4)));
    await openPage(page, 'Train');
    await expect(page.getByRole('region', { name: 'Verdict' })).toContainText('by box');
    await page.getByRole('tab', { name: 'Gates' }).click();
    const cells = await page.getByRole('table').last().getByRole('cell').allInnerTexts();
    expect(
      cells.some((text) => /[1-9]/.test(text)),
      'a gate has moved',
    ).toBe(true);
  });

  await test.step('the run leads to Segment with its weights chosen', async () => {
    await page.getByRole('button', { name: 'Use in Segment' }).click();
    await expect(page.getByRole('main', { name: 'Segment' })).toBeVisible();
    const runs = page.getByLabel('Run', { exact: true });
    await expect(runs).not.toHaveValue('');
    await runs.selectOption('');
  });

  const exported = await test.step('a click segments, base and tuned', async () => {
    await openPage(page, 'Segment');
    await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'discs' });
    await chooseImage(page, 'discs_00.png');
    await clickImage(page, firstDisc(0));
    const candidates = page.getByRole('region', { name: 'Candidates' });
    await expect(candidates.getByRole('button')).toHaveCount(3);
    const base = await saveMask(page);
    const baseWords = await candidates.getByRole('listitem').allInnerTexts();
    await page.getByLabel('Run', { exact: true }).selectOption({ index: 1 });
    await expect(page.getByRole('region', { name: 'Gates of this image' })).toContainText('mean');
    await expect(candidates.getByRole('button')).toHaveCount(3);
    const tuned = await saveMask(page);
    // A few steps may not change the mask; the predicted IoUs show that other weights answered.
    const tunedWords = await candidates.getByRole('listitem').allInnerTexts();
    expect([tuned.toString('base64'), tunedWords], 'tuned differs from base').not.toEqual([
      base.toString('base64'),
      baseWords,
    ]);
    await page.getByRole('button', { name: 'Keep for Export' }).click();
    await expectAccessible(page);
    return { mask: tuned, words: tunedWords };
  });

  await test.step('the imported adapter gives the same mask, bit for bit', async () => {
    await openPage(page, 'Export');
    const files = await downloadAdapter(page);
    await expect(page.getByRole('region', { name: 'Masks' })).toContainText('1 mask');
    await expectAccessible(page);
    await page.getByLabel('Import an adapter …').setInputFiles(files);
    await expect(page.getByRole('list').filter({ hasText: 'was imported' })).toBeVisible();
    await openPage(page, 'Segment');
    const runs = page.getByLabel('Run', { exact: true });
    const imported = await runs.locator('option', { hasText: 'imported' }).getAttribute('value');
    await runs.selectOption(imported);
    await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3);
    await expectIdle(page);
    expect((await saveMask(page)).equals(exported.mask)).toBe(true);
    expect(
      await page.getByRole('region', { name: 'Candidates' }).getByRole('listitem').allInnerTexts(),
    ).toEqual(exported.words);
  });

  expect(foreign, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});

/** The losses of a history's CSV, by its column names. */
function lossesOf(csv: string): number[] {
  const [head = '', ...rows] = csv.trim().split(/\r?\n/);
  const columns = head.split(',');
  const type = columns.indexOf('type');
  const loss = columns.indexOf('loss');
  return rows
    .map((row) => row.split(','))
    .filter((row) => row[type] === 'step')
    .map((row) => Number(row[loss]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
