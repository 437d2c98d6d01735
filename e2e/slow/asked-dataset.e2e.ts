/**
 * Two datasets that ask for opposite things of the same images: a token for each tells which of them a click means,
 * gates that read the image cannot.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { decode } from 'fast-png';
import {
  drawOpposite,
  FIRST_TESTED,
  OPPOSITE,
  type Opposite,
  oppositeFiles,
} from '../../src/testing/opposite-discs.ts';
import {
  chooseImage,
  clickImage,
  expectAccessible,
  importByDrop,
  openPage,
  openStudio,
  saveMask,
  setNumber,
  watchErrors,
} from '../support/studio.ts';

/** Of two images each; some two minutes on two idle cores, and many times as long where others share them. */
const [STEPS, RUN_MS] = [10, 600_000];

test('with a token the same click gives the middle of a disc or the whole disc, as it is asked', async ({
  page,
}) => {
  test.setTimeout(900_000);
  const errors = watchErrors(page);

  await test.step('both are trained together, by clicks alone, with a token for each', async () => {
    await openToTrain(page);
    await page.getByRole('radio', { name: /^Decoder only/ }).check();
    await page.getByRole('switch', { name: 'Tell datasets apart by a token' }).check();
    await train(page);
  });

  await test.step('Segment asks which is meant, and the same click gives that one', async () => {
    await chooseTested(page);
    for (const asked of OPPOSITE) {
      await page.getByLabel('Segment as in').selectOption({ label: asked });
      const found = await clickDiscs(page, `Mask found as in ${asked}`);
      for (const each of OPPOSITE) {
        const what = `${each}, asked for ${asked}: ${found[each]}`;
        if (each === asked) expect(mean(found[each]), what).toBeGreaterThan(0.8);
        else expect(mean(found[each]), what).toBeLessThan(0.6);
      }
    }
    await expectAccessible(page);
  });

  await test.step('the base model cannot be asked', async () => {
    await page.getByText('Base', { exact: true }).click();
    await expect(page.getByLabel('Segment as in')).toBeHidden();
  });

  expect(errors).toEqual([]);
});

test('with gates that read the image nobody can say which is meant, and one click gives one of them', async ({
  page,
}) => {
  test.setTimeout(900_000);
  const errors = watchErrors(page);
  await openToTrain(page);
  await page.getByRole('radio', { name: /^UniPELT/ }).check();
  await page.getByRole('combobox', { name: 'Blocks' }).selectOption({ label: 'The last half' });
  await train(page);
  await chooseTested(page);
  const found = await clickDiscs(page, 'Mask found');
  await expect(page.getByLabel('Segment as in')).toBeHidden();
  const least = Math.min(...OPPOSITE.map((each) => mean(found[each])));
  expect(least, JSON.stringify(found)).toBeLessThan(0.8);
  expect(errors).toEqual([]);
});

/** Imports both datasets and opens what is trained by clicks alone. */
async function openToTrain(page: Page): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-asked-'));
  for (const [path, bytes] of oppositeFiles()) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  await openStudio(page);
  await importByDrop(
    page,
    OPPOSITE.map((name) => join(folder, name)),
  );
  await openPage(page, 'Train');
  for (const name of OPPOSITE)
    await expect(page.getByRole('checkbox', { name: new RegExp(`^${name}`) })).toBeChecked();
  await page.getByRole('radio', { name: /Every step practises clicks/ }).check();
  await page.getByText('Advanced settings').click();
}

async function train(page: Page): Promise<void> {
  for (const name of ['Flips', 'Quarter turns']) await page.getByRole('switch', { name }).uncheck();
  await setNumber(page, /^Steps/, STEPS);
  await setNumber(page, /^Validate every/, STEPS);
  await setNumber(page, /^Images per step/, 2);
  await setNumber(page, /^Objects per image/, 4);
  await setNumber(page, /^Corrective clicks/, 0);
  await setNumber(page, /^Smallest crop/, 1);
  await setNumber(page, /^Brightness/, 0);
  await setNumber(page, /^Contrast/, 0);
  // The token's is ten times that.
  await setNumber(page, /^Learning rate of the methods/, 0.02);
  await setNumber(page, /^Learning rate of the mask decoder/, 0.0005);
  await page.getByRole('button', { name: 'Start training' }).click();
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: RUN_MS });
  await page.getByRole('button', { name: 'Use in Segment' }).click();
}

async function chooseTested(page: Page): Promise<void> {
  await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'inner' });
  await chooseImage(page, `${FIRST_TESTED}.png`);
}

/** Clicks each disc alone. @returns the masks' IoU with what either dataset means by it, disc by disc */
async function clickDiscs(page: Page, words: string): Promise<Record<Opposite, number[]>> {
  const { centres, masks } = drawOpposite(FIRST_TESTED);
  const candidates = page.getByRole('region', { name: 'Candidates' }).getByRole('button');
  const found: Record<Opposite, number[]> = { inner: [], whole: [] };
  for (const centre of centres) {
    await clickImage(page, centre);
    await expect(candidates).toHaveCount(3);
    await expect(page.getByTestId('announcement')).toContainText(words);
    const mask = decode(await saveMask(page)).data;
    for (const each of OPPOSITE) found[each].push(iouAround(mask, masks[each], centre));
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await expect(candidates).toHaveCount(0);
  }
  return found;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** IoU of a mask with the object around a point; no two objects share a quarter of the image. */
function iouAround(
  found: ArrayLike<number>,
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  centre: { readonly x: number; readonly y: number },
): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < width * height; i++) {
    const isNear =
      i % width < width / 2 === centre.x < width / 2 && i < (width * height) / 2 === centre.y < height / 2;
    const isFound = (found[i] ?? 0) > 0;
    const isMeant = isNear && data[i] === 1;
    if (isFound && isMeant) both++;
    if (isFound || isMeant) either++;
  }
  return both / either;
}
