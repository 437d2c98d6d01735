/** What leaves, what stays and what a key closes, with invented answers in place of the engine. */
import { expect, test } from '@playwright/test';
import { layoutFaults } from './layout.ts';
import { enterState, openImage } from './states.ts';

test('a notice of success leaves by itself unless the pointer rests on it; others stay', async ({ page }) => {
  await page.clock.install();
  await enterState(page, { name: 'data' });
  const notices = page.getByRole('region', { name: /^Notifications/ }).getByRole('listitem');
  await page.getByRole('button', { name: 'Delete cells' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await notices.filter({ hasText: 'cells was deleted' }).hover();
  await page.clock.fastForward(60_000);
  await expect(notices).toHaveCount(1);
  await page.evaluate(() => {
    Reflect.get(window, 'engine').emit({ type: 'log', level: 'warning', text: 'The clock is slow.' });
  });
  await expect(notices).toHaveCount(2);
  await page.mouse.move(0, 0);
  await page.clock.fastForward(10_000);
  await expect(notices).toHaveText([/The clock is slow/]);
});

test('one Escape closes a dialog that a hint lies on', async ({ page }) => {
  await page.clock.install();
  await enterState(page, { name: 'data' });
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  // The pointer's last move on its way is heard after the dialog has come; the hint then lies on the dialog.
  await page
    .getByRole('button', { name: 'Keyboard shortcuts', includeHidden: true })
    .dispatchEvent('pointermove', { pointerType: 'mouse' });
  await page.clock.fastForward(1000);
  await expect(page.getByRole('tooltip')).toBeAttached();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('the storage shown is what the studio keeps, whatever the browser counts', async ({ page }) => {
  await enterState(page, { name: 'data' });
  const facts = page.getByRole('button', { name: /Model, GPU and storage/ });
  await expect(facts).toContainText('99.2 MiB · kept');
  await page.getByRole('button', { name: 'Delete cells' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(facts).toContainText('95.9 MiB · kept');
});

test('the image stays where it is, whichever tool is taken', async ({ page }) => {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const image = page.getByRole('application');
  const tools = page.getByRole('group', { name: 'Tool' }).locator('label');
  await expect(tools).toHaveCount(8);
  const places = new Set<string>();
  for (const tool of await tools.all()) {
    await tool.click();
    const { y = 0, height = 0 } = (await image.boundingBox()) ?? {};
    places.add(`${y} ${height}`);
  }
  expect([...places]).toHaveLength(1);
});

test('the image is sharp on another screen too', async ({ page }) => {
  // Chromium tells no media query of a screen that is only emulated, so the test does.
  await page.addInitScript(() => {
    const { matchMedia } = window;
    window.matchMedia = (query) => {
      const list = matchMedia.call(window, query);
      if (query.includes('dppx'))
        window.addEventListener('screen', () => list.dispatchEvent(new Event('change')));
      return list;
    };
  });
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  const canvas = page.getByRole('application').locator('canvas').first();
  const widths = () => canvas.evaluate((each: HTMLCanvasElement) => [each.width, each.clientWidth]);
  const [before, shown = 0] = await widths();
  expect(before).toBe(shown);
  const devtools = await page.context().newCDPSession(page);
  for (const density of [2, 1.5]) {
    const screen = { width, height, deviceScaleFactor: density, mobile: false };
    await devtools.send('Emulation.setDeviceMetricsOverride', screen);
    await page.evaluate(() => window.dispatchEvent(new Event('screen')));
    await expect.poll(widths).toEqual([Math.round(density * shown), shown]);
  }
});

test('a long name without a gap stays on its card', async ({ page }) => {
  await enterState(page, { name: 'data' });
  await page.getByRole('button', { name: 'Rename cells' }).click();
  await page.getByLabel('New name').fill('2026_11_30_'.repeat(7));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('article', { name: /^2026/ })).toBeVisible();
  expect(await layoutFaults(page)).toEqual([]);
});

test('a run is at the same step wherever it is told, and one that kept the base model has no gain', async ({
  page,
}) => {
  await enterState(page, { name: 'train', address: '#/train' });
  const change = (id: string, changes: object, step: number | null) =>
    page.evaluate(
      async ([runId, changed, reached]) => {
        const engine = Reflect.get(window, 'engine');
        const { value } = await engine.call('train.list', {});
        const run = value.find((each: { id: string }) => each.id === runId);
        engine.emit({ type: 'run', run: { ...run, ...changed } });
        const point = { step: reached, loss: 1, ms: 1, learningRate: 1, parts: {}, spans: null };
        if (reached !== null) engine.emit({ type: 'step', runId, point });
      },
      [id, changes, step] as const,
    );
  const runs = page.getByRole('navigation', { name: 'Runs' });
  await runs.getByRole('button', { name: /^MoPEFT 2/ }).click();
  await change('run-2', {}, 123);
  await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText('step 123 of 200');
  await expect(page.getByRole('banner')).toContainText('step 123 of 200');
  await expect(runs).toContainText('123 of 200');
  await runs.getByRole('button', { name: /three domains/ }).click();
  const verdict = page.getByRole('region', { name: 'Verdict' });
  await expect(verdict.getByRole('columnheader')).toHaveCount(6);
  await change('run-1', { bestStep: 0 }, null);
  await expect(verdict.getByRole('columnheader')).toHaveText(['Dataset', 'Prompt', 'Base', 'Tested on']);
});

test('a reload leaves a person where they were, on every page', async ({ page }) => {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const canvas = page.getByRole('application').locator('canvas[data-view]');
  const view = () => canvas.getAttribute('data-view');
  const fitted = await view();
  await canvas.hover();
  await page.mouse.wheel(0, -700);
  await expect.poll(view).not.toBe(fitted);
  await page.getByLabel('Run', { exact: true }).selectOption({ index: 1 });
  await page.keyboard.press('p');
  const name = await page.getByRole('application').getAttribute('aria-label');
  // What is visible is told a moment after the view stands still.
  await expect(page.getByText(/^The model sees the visible part/)).toBeVisible();
  const zoomed = Number((await view())?.split(' ')[0]);
  const isAsBefore = async (): Promise<void> => {
    await expect(page.getByRole('application')).toHaveAttribute('aria-label', name ?? '');
    await expect(page.getByText(/^The model sees the visible part/)).toBeVisible();
    expect(Number((await view())?.split(' ')[0]) / zoomed).toBeCloseTo(1, 1);
    await expect(page.getByLabel('Run', { exact: true }).locator('option:checked')).toHaveText(/^MoPEFT/);
    await expect(page.getByRole('radio', { name: 'Tuned' })).toBeChecked();
    await expect(page.getByRole('radio', { name: 'Brush' })).toBeChecked();
  };
  await page.reload();
  await isAsBefore();

  const pages = page.getByRole('navigation', { name: 'Pages' });
  await pages.getByRole('link', { name: 'Train' }).click();
  await page.getByRole('button', { name: 'New run' }).click();
  await page.getByRole('checkbox', { name: /cracks/ }).check();
  await page.getByRole('checkbox', { name: /cells/ }).uncheck();
  await page.getByText('Balanced', { exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await page.reload();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Mine');
  await expect(page.getByRole('checkbox', { name: /cracks/ })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: /cells/ })).not.toBeChecked();
  await expect(page.getByRole('radio', { name: /^Balanced/ })).toBeChecked();
  await page.getByRole('button', { name: /MoPEFT on three domains/ }).click();
  await page.getByRole('tab', { name: 'Gates' }).click();
  await page.reload();
  await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText('three domains');
  await expect(page.getByRole('tab', { name: 'Gates' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('button', { name: 'Compare runs' }).click();
  await page.reload();
  await expect(page.getByRole('region', { name: 'Runs side by side' })).toBeVisible();

  await pages.getByRole('link', { name: 'Export' }).click();
  const format = page.getByLabel('Format', { exact: true });
  await format.selectOption({ index: 1 });
  const chosen = await format.inputValue();
  await page.reload();
  await expect(format).toHaveValue(chosen);

  await pages.getByRole('link', { name: 'Segment' }).click();
  await isAsBefore();
});

test('long names of images are read whole', async ({ page }) => {
  await enterState(page, { name: 'data' });
  await page.evaluate(() => {
    const engine = Reflect.get(window, 'engine');
    const { call } = engine;
    engine.call = async (name: string, request: unknown) => {
      const result = await call(name, request);
      if (name !== 'data.samples') return result;
      const value = result.value.map((sample: { name: string }) => ({
        ...sample,
        name: `${'2026_11_30_plate_'.repeat(5)}${sample.name}`,
      }));
      return { ...result, value };
    };
  });
  await page.getByRole('button', { name: 'View' }).first().click();
  await expect(page.getByRole('dialog').getByRole('button', { name: /^2026/ }).first()).toBeVisible();
  await expect.poll(() => layoutFaults(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to or do' }).fill('2026');
  await expect(page.getByRole('option', { name: /^2026/ }).first()).toBeVisible();
  await expect.poll(() => layoutFaults(page)).toEqual([]);
});

test('where nothing can be stored, the dialog of the storage says so', async ({ page }) => {
  await enterState(page, { name: 'system', address: '?no-storage#/data' });
  await page.getByRole('button', { name: /Model, GPU/ }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('heading', { name: 'Storage', exact: true })).toBeVisible();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await expect(dialog).not.toContainText('Limit');
});

test('once a review is over its keys are those of the page, also where its buttons were', async ({
  page,
}) => {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const find = page.getByRole('region', { name: 'Find all' });
  const image = page.getByRole('application');
  const name = (await image.getAttribute('aria-label')) ?? '';
  await find.getByRole('button', { name: 'Find all objects' }).press('Enter');
  await find.getByRole('button', { name: 'Next' }).press('n');
  await expect(image).toHaveAttribute('aria-label', name);
  await page.keyboard.press('Shift+R');
  await expect(find).toContainText('No object is left to review');
  await expect(find.locator(':focus')).toBeVisible();
  await page.keyboard.press('n');
  await expect(image).not.toHaveAttribute('aria-label', name);
});
