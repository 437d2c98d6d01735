/** The states in which the screens are looked at. The studio opens with three datasets and two runs, or `?empty`. */
import { expect, type Page } from '@playwright/test';
import { expectIdle } from '../support/studio.ts';

export interface State {
  readonly name: string;
  /** How the address ends: what the studio opens with, and the page. */
  readonly address?: string;
  readonly enter?: (page: Page) => Promise<void>;
  /** Whether its image is kept and compared. */
  readonly isKept?: boolean;
}

/** Opens a state on a page that was never used. */
export async function enterState(page: Page, { address = '#/data', enter }: State): Promise<void> {
  // Browsers differ in what they say of their storage.
  await page.addInitScript(() => {
    navigator.storage.estimate = async () => ({ usage: 2 ** 32, quota: 2 ** 33 });
    navigator.storage.persisted = async () => true;
  });
  await page.goto(`./preview.html${address}`);
  await expect(page.getByText('Starting the engine …')).toBeHidden();
  await expect(page.getByText('Opening …')).toBeHidden();
  await enter?.(page);
}

const isTimed = (page: Page): Promise<void> =>
  expect(page.getByRole('group', { name: 'How long may it learn?' })).toContainText('min');

/**
 * Waits until so many charts are whole. Their axes come first and each one's curves in a later task, so on a busy machine a
 * picture may otherwise be taken, and found unchanged, in between.
 */
const chartsDrawn = (page: Page, count: number): Promise<void> =>
  expect(page.locator('svg.recharts-surface', { has: page.locator('path.recharts-curve') })).toHaveCount(
    count,
  );

export async function openImage(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Image' }).selectOption({ index: 1 });
  await expect(page.getByRole('application').locator('canvas[data-view]')).toHaveAttribute('data-view', /\d/);
}

export const STATES: readonly State[] = [
  {
    name: 'data',
    isKept: true,
    enter: (page) => expect(page.getByRole('article').getByRole('img')).toHaveCount(18),
  },
  { name: 'data-empty', address: '?empty#/data', isKept: true },
  {
    name: 'viewer',
    enter: async (page) => {
      await page.getByRole('button', { name: 'View' }).first().click();
      await expect(page.getByRole('dialog').getByRole('img', { name: /with its mask/ })).toBeVisible();
    },
  },
  {
    name: 'notice',
    enter: async (page) => {
      await page.getByRole('button', { name: 'Delete cells' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await expect(page.getByRole('region', { name: /^Notifications/ }).getByRole('listitem')).toHaveCount(1);
    },
  },
  {
    name: 'system',
    enter: async (page) => {
      await page.getByRole('button', { name: /Model, GPU/ }).click();
      await expect(page.getByRole('dialog')).toContainText('Largest buffer');
    },
  },
  {
    name: 'keys',
    enter: async (page) => {
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    },
  },
  {
    name: 'palette',
    enter: async (page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Go to or do' }).fill('cells');
      await expect(page.getByRole('group', { name: 'Images' }).getByRole('option').first()).toBeVisible();
    },
  },
  { name: 'train-empty', address: '?empty#/train' },
  {
    name: 'train-new',
    address: '#/train',
    isKept: true,
    enter: async (page) => {
      await page.getByRole('button', { name: 'New run' }).click();
      await expect(page.getByRole('complementary', { name: 'Cost and start' })).toContainText('at the peak');
      await isTimed(page);
    },
  },
  {
    name: 'train-advanced',
    address: '#/train',
    enter: async (page) => {
      await page.getByRole('button', { name: 'New run' }).click();
      await page.getByText('Advanced settings').click();
      await page.getByRole('checkbox', { name: /cracks/ }).check();
      await expect(page.getByRole('button', { name: 'See crops of 160 pixels' })).toBeVisible();
      await isTimed(page);
    },
  },
  {
    name: 'train-run',
    address: '#/train',
    isKept: true,
    enter: async (page) => {
      await expect(page.getByRole('tab', { name: 'Progress' })).toBeVisible();
      await chartsDrawn(page, 4);
    },
  },
  {
    name: 'train-verdict',
    address: '#/train',
    enter: async (page) => {
      await page.getByRole('button', { name: /MoPEFT on three domains/ }).click();
      await expect(page.getByRole('region', { name: 'Verdict' })).toBeVisible();
    },
  },
  {
    name: 'train-gates',
    address: '#/train',
    isKept: true,
    enter: async (page) => {
      await page.getByRole('tab', { name: 'Gates' }).click();
      await chartsDrawn(page, 3);
    },
  },
  {
    name: 'runs-table',
    address: '#/train',
    isKept: true,
    enter: async (page) => {
      await page.getByRole('button', { name: 'Compare runs' }).click();
      await chartsDrawn(page, 1);
    },
  },
  { name: 'segment-empty', address: '?empty#/segment' },
  {
    name: 'segment',
    address: '#/segment',
    isKept: true,
    enter: async (page) => {
      await openImage(page);
      await page.getByRole('application').focus();
      await page.keyboard.press('Space');
      await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3);
      await expectIdle(page);
    },
  },
  {
    name: 'find',
    address: '#/segment',
    enter: async (page) => {
      await openImage(page);
      await page.getByLabel('Run', { exact: true }).selectOption({ index: 1 });
      const find = page.getByRole('region', { name: 'Find all' });
      await find.getByRole('button', { name: 'Find all objects' }).click();
      await expect(find).toContainText(/2 objects/);
      // The keys of the review work at once.
      await page.keyboard.press('r');
      await expect(find).toContainText(/1 object/);
    },
  },
  { name: 'export', address: '#/export', isKept: true },
  {
    name: 'models',
    address: '#/models',
    isKept: true,
    enter: (page) => expect(page.getByText('with the default settings')).toBeVisible(),
  },
  {
    name: 'first',
    address: '?empty#/first',
    isKept: true,
    enter: async (page) => {
      await expect(page.getByRole('region', { name: 'One click, both answers' })).toContainText(/IoU.*IoU/);
      await expect(page.getByRole('button', { name: 'Train it on 8 images now' })).toBeVisible();
      await expect(page.getByText(/About \d+\smin/)).toBeVisible();
    },
  },
  { name: 'no-gpu', address: '?no-gpu#/train' },
];
