/** A person's own model: its card says what was assumed and lets it be corrected, and what cannot be decided is asked. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { sizeOf } from '../src/graph/shape.ts';
import { samTensorShapes } from '../src/sam/checkpoint/expected-shapes.ts';
import { writeSafetensors } from '../src/sam/checkpoint/safetensors-write.ts';
import { MICRO_SAM } from '../src/testing/micro-model.ts';
import { dropOnPage, expectAccessible, openStudio, watchErrors } from './support/studio.ts';

/** The weights of a tiny SAM under names with each of the prefixes, and strangers. */
function weights(prefixes: readonly string[], strangers: readonly string[] = []): Uint8Array {
  const shapes = [...samTensorShapes(MICRO_SAM)];
  return writeSafetensors(
    new Map([
      ...prefixes.flatMap((prefix) =>
        shapes.map(
          ([name, shape]) =>
            [prefix + name, { shape, data: new Float32Array(sizeOf(shape)).fill(0.01) }] as const,
        ),
      ),
      ...strangers.map((name) => [name, { shape: [1], data: new Float32Array(1) }] as const),
    ]),
  );
}

test('a model is asked about, shown, corrected and kept', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-model-'));
  const adapted = join(folder, 'adapted.safetensors');
  const double = join(folder, 'double.safetensors');
  await writeFile(adapted, weights([''], ['image_encoder.blocks.0.MLP_Adapter.weight', 'epoch']));
  await writeFile(double, weights(['student.', 'ema.']));
  const errors = watchErrors(page);
  await openStudio(page);

  await page.getByRole('button', { name: /Model, GPU/ }).click();
  const embedded = page.getByRole('article', { name: /Model mopeft-sam/ });
  await embedded.getByLabel('Image', { exact: true }).selectOption('stretch');
  await embedded.getByRole('button', { name: 'Use these settings' }).click();
  await expect(embedded.getByRole('button', { name: 'Use these settings' })).toBeHidden();
  await expect(embedded.getByLabel('Image', { exact: true })).toHaveValue('stretch');
  // Escape would first take away a hint that the pointer happens to rest on.
  const system = page.getByRole('dialog', { name: 'Model, GPU and storage' });
  await system.getByRole('button', { name: 'Close' }).click();
  await expect(system).toBeHidden();

  await dropOnPage(page, [adapted]);
  const question = page.getByRole('dialog', { name: 'How should this model be loaded?' });
  await expect(question).toContainText('image_encoder.blocks.0.MLP_Adapter.weight');
  await expectAccessible(page);
  await question.getByRole('button', { name: 'Load the rest' }).click();
  const shown = page.getByRole('dialog', { name: 'The model' });
  const card = shown.getByRole('article', { name: 'Model adapted' });
  await expect(card.getByRole('region', { name: 'To look at' })).toContainText(/8 heads[\s\S]*base model/);
  await expect(card).toContainText('2 blocks of width 16');
  await card.getByText('2 tensors of its files were left alone').click();
  await expect(card.getByText('epoch', { exact: true })).toBeVisible();
  await card.getByLabel('Image', { exact: true }).selectOption('stretch');
  await card.getByLabel('Normalised by').selectOption('min-max');
  await expectAccessible(page);
  await card.getByRole('button', { name: 'Use these settings' }).click();
  await expect(card.getByRole('button', { name: 'Use these settings' })).toBeHidden();
  await expect(card.getByLabel('Normalised by')).toHaveValue('min-max');

  await page.reload();
  await openStudio(page);
  await page.getByRole('button', { name: /Model, GPU/ }).click();
  const kept = page.getByRole('article', { name: 'Model adapted' });
  await expect(kept.getByLabel('Image', { exact: true })).toHaveValue('stretch');
  await page.keyboard.press('Escape');

  await dropOnPage(page, [double]);
  await question.getByRole('button', { name: 'Load “ema.”' }).click();
  const both = shown.getByRole('article', { name: 'Model double' });
  const remarks = both.getByRole('region', { name: 'To look at' });
  await expect(remarks).toContainText('“Heads of the mask decoder”');
  await expect(remarks).not.toContainText('--');
  await remarks.getByRole('button', { name: 'Load “student.”' }).click();
  await expect(remarks.getByRole('button', { name: 'Load “ema.”' })).toBeVisible();
  await remarks.getByRole('button', { name: 'Prepare images like that' }).click();
  await expect(both.getByLabel('Image', { exact: true })).toHaveValue('stretch');
  await expect(remarks.getByRole('button', { name: 'Prepare images like that' })).toBeHidden();
  expect(errors).toEqual([]);
});
