/** A SAM 2 under its own names, dropped, looked at, clicked with, and trained. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { hfConfig } from '../src/engine/export/hf-model.ts';
import { wholeTensorShapes } from '../src/sam/checkpoint/expected-shapes.ts';
import { ownNames } from '../src/sam/checkpoint/names.ts';
import { writeSafetensors } from '../src/sam/checkpoint/safetensors-write.ts';
import { encoderOf } from '../src/sam/encoder.ts';
import { MICRO_SAM2, microTensor } from '../src/testing/micro-model.ts';
import { firstDisc, writeDomain } from './support/domains.ts';
import {
  chooseImage,
  clickImage,
  dropOnPage,
  importByDrop,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
} from './support/studio.ts';

const STEPS = 2;

/** A small SAM 2 as its own program saves it, with a tensor of its memory, and its sizes beside it. */
async function writeModel(folder: string): Promise<string> {
  const names = [...wholeTensorShapes(MICRO_SAM2).keys()];
  const tensors = new Map(
    [...ownNames(names, encoderOf(MICRO_SAM2))].map(([name, own]) => [
      `model.${own}`,
      microTensor(MICRO_SAM2, name),
    ]),
  );
  tensors.set('model.maskmem_tpos_enc', { shape: [2], data: Float32Array.of(1, 2) });
  const path = join(folder, 'sam2_micro');
  await mkdir(path);
  await writeFile(join(path, 'sam2_micro.safetensors'), writeSafetensors(tensors));
  await writeFile(join(path, 'config.json'), JSON.stringify(hfConfig(MICRO_SAM2)));
  return path;
}

test('a SAM 2 is opened, clicked with and trained', async ({ page }) => {
  test.setTimeout(600_000);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-sam2-'));
  await writeDomain(folder, 'discs', 6);
  const errors = watchErrors(page);
  await openStudio(page);

  await dropOnPage(page, [await writeModel(folder)]);
  await page.getByRole('button', { name: /Model, GPU/ }).click();
  const system = page.getByRole('dialog', { name: 'Model, GPU and storage' });
  const card = system.getByRole('article', { name: /Model sam2_micro/ });
  await expect(card).toContainText('SAM 2 (hiera)');
  await expect(card).toContainText('6 blocks of width 8 to 32');
  await expect(card.getByLabel('Image', { exact: true })).toHaveValue('stretch');
  await card.getByText(/tensors of its files were left alone/).click();
  await expect(card.getByText('model.maskmem_tpos_enc', { exact: true })).toBeVisible();
  await system.getByRole('button', { name: 'Close' }).click();

  await importByDrop(page, [join(folder, 'discs')]);
  await openPage(page, 'Segment');
  await chooseImage(page, 'discs_00.png');
  await clickImage(page, firstDisc(0));
  await expect(page.getByRole('region', { name: 'Candidates' }).getByText(/predicted IoU/)).toHaveCount(3);

  await openPage(page, 'Train');
  await page.getByText('Advanced').click();
  await setNumber(page, /^Steps/, STEPS);
  await setNumber(page, /^Images per step/, 1);
  await setNumber(page, /^Corrective clicks/, 1);
  await page.getByRole('button', { name: 'Start training' }).click();
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 400_000 });
  await page.getByRole('tab', { name: 'Gates' }).click();
  await expect(page.getByRole('table').last()).toContainText('LoRA');
  expect(errors).toEqual([]);
});
