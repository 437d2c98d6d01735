/** What a person does when the page is killed: each action up to the click that counts, and from it until it is accepted. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type Locator, type Page } from '@playwright/test';
import { firstDisc } from '../support/domains.ts';
import { clickImage, dragOnImage, dropOnPage, importByDrop, openPage, setNumber } from '../support/studio.ts';
import { readStored, type Stored, UNLABELLED } from './stored.ts';

/** Steps of a run; a checkpoint after each, and best weights every second. */
export const STEPS = 4;
/** What the name of the base dataset begins with. */
export const BASE = 'discs';
/** Images of the dataset without masks, of which each is labelled once. */
export const SLIDES = 40;
/** The run that was never interrupted. */
export const REFERENCE = 'Reference';

export interface Scene {
  readonly page: Page;
  /** Where the files of the harness lie: `discs/`, `adapter.safetensors`. */
  readonly folder: string;
  /** A name that nothing has yet. */
  readonly fresh: string;
  /** What is stored before. */
  readonly stored: Stored;
}

export interface Action {
  /** Whether there is something to do it with. */
  readonly isPossible: (stored: Stored) => boolean;
  /** Goes up to the click that counts. */
  readonly prepare: (scene: Scene) => Promise<Prepared>;
  /** Milliseconds from the click until it is accepted, before it was ever timed. */
  readonly usual: number;
  /** How often it is drawn; 1 where it is not said. */
  readonly weight?: number;
}

export interface Prepared {
  /** Clicks, and waits until the studio says that it is done. */
  readonly act: () => Promise<void>;
  /** How the storage has changed then; see `difference`. */
  readonly change: string;
  /** What is stored before it, where something was accepted on the way. */
  readonly stored?: Stored;
}

const nothing = (): boolean => true;
/** Those that the harness made; the base dataset and the reference run stay. */
const extras = (named: Readonly<Record<string, { readonly name: string }>>) =>
  Object.values(named).flatMap(({ name }) =>
    name.startsWith(BASE) || name === REFERENCE || name === UNLABELLED ? [] : [name],
  );
const lastOf = (names: readonly string[]): string => names.at(-1) ?? '';

/** What the base dataset is called by now. */
export function baseName({ datasets }: Stored): string {
  return Object.values(datasets).find(({ name }) => name.startsWith(BASE))?.name ?? BASE;
}

export const ACTIONS: Readonly<Record<string, Action>> = {
  import: {
    isPossible: ({ datasets }) => extras(datasets).length < 3,
    usual: 800,
    weight: 3,
    prepare: async ({ page, folder, fresh }) => {
      await openPage(page, 'Data');
      const dropped = join(folder, fresh);
      await cp(join(folder, BASE), dropped, { recursive: true });
      return {
        change: `+ datasets ${fresh}`,
        act: async () => {
          await importByDrop(page, [dropped]);
          await page.getByRole('article', { name: fresh, exact: true }).waitFor();
        },
      };
    },
  },
  'rename a dataset': {
    isPossible: ({ datasets }) => extras(datasets).length > 0,
    usual: 150,
    prepare: async ({ page, stored, fresh }) => {
      const name = lastOf(extras(stored.datasets));
      await openPage(page, 'Data');
      const act = await renaming(page, name, fresh);
      return { change: `datasets ${name} is ${fresh}`, act };
    },
  },
  'delete a dataset': {
    isPossible: ({ datasets }) => extras(datasets).length > 1,
    usual: 200,
    prepare: async ({ page, stored }) => {
      const name = lastOf(extras(stored.datasets));
      await openPage(page, 'Data');
      return { change: `- datasets ${name}`, act: await deletion(page, name) };
    },
  },
  'keep a mask': {
    isPossible: ({ masks }) => masks.length < 4,
    usual: 150,
    prepare: async ({ page, stored }) => {
      await openPage(page, 'Segment');
      await page.getByLabel('Dataset', { exact: true }).selectOption({ label: baseName(stored) });
      const images = page.getByRole('combobox', { name: 'Image' });
      await images.selectOption(
        await images.locator('option', { hasText: 'discs_00' }).getAttribute('value'),
      );
      await clickImage(page, firstDisc(0));
      await page.getByRole('region', { name: 'Candidates' }).getByRole('button').first().waitFor();
      return {
        change: '+ mask',
        act: async () => {
          await page.getByRole('button', { name: 'Keep for Export' }).click();
          await said(page, 'is on the Export page');
        },
      };
    },
  },
  'delete a mask': {
    isPossible: ({ masks }) => masks.length > 0,
    usual: 150,
    prepare: async ({ page, stored }) => {
      await openPage(page, 'Export');
      const first = masksOn(page).first();
      await first.waitFor();
      return {
        change: '- mask',
        act: async () => {
          await first.getByRole('button').click();
          await masksOn(page)
            .nth(stored.masks.length - 1)
            .waitFor({ state: 'detached' });
        },
      };
    },
  },
  label: {
    isPossible: ({ datasets }) => slidesOf({ datasets }) < SLIDES,
    usual: 400,
    weight: 4,
    prepare: async ({ page, stored }) => {
      const name = slideName(slidesOf(stored));
      await openPage(page, 'Segment');
      await openSlide(page, name);
      // By hand: the model has no part in it.
      await page.getByRole('application').focus();
      await page.keyboard.press('p');
      await dragOnImage(page, [
        { x: 30, y: 30 },
        { x: 60, y: 50 },
      ]);
      const objects = page.getByRole('region', { name: 'Objects' }).getByRole('list', { name: 'Objects' });
      await objects.getByRole('listitem').waitFor();
      const panel = page.getByRole('region', { name: 'Labels of this image' });
      await panel.getByText('Saved', { exact: true }).waitFor();
      return {
        // The stroke was accepted, and may not be lost.
        stored: await readStored(page),
        change: `labels ${UNLABELLED} ${name} done with 1 objects`,
        act: async () => {
          await page.keyboard.press('n');
          const stage = page.getByRole('application');
          await expect(stage).not.toHaveAttribute('aria-label', new RegExp(name), { timeout: 90_000 });
        },
      };
    },
  },
  train: {
    isPossible: nothing,
    usual: 6000,
    weight: 4,
    prepare: async ({ page, fresh }) => {
      const start = await setUpRun(page, fresh);
      return {
        change: `+ runs ${fresh}`,
        act: async () => {
          await start();
          await end(page);
        },
      };
    },
  },
  'rename a run': {
    isPossible: ({ runs }) => extras(runs).length > 0,
    usual: 150,
    prepare: async ({ page, stored, fresh }) => {
      const name = lastOf(extras(stored.runs));
      await showRun(page, name);
      const act = await renaming(page, name, fresh);
      return { change: `runs ${name} is ${fresh}`, act };
    },
  },
  'delete a run': {
    isPossible: ({ runs }) => extras(runs).length > 2,
    usual: 200,
    weight: 2,
    prepare: async ({ page, stored }) => {
      const name = lastOf(extras(stored.runs));
      await showRun(page, name);
      return { change: `- runs ${name}`, act: await deletion(page, name) };
    },
  },
  'import an adapter': {
    isPossible: ({ runs }) => Object.keys(runs).length < 8,
    usual: 300,
    weight: 3,
    prepare: async ({ page, folder, fresh }) => {
      await openPage(page, 'Export');
      // An adapter without a name of its own takes that of its folder.
      const dropped = join(folder, fresh);
      await cp(join(folder, 'adapter'), dropped, { recursive: true });
      return {
        change: `+ runs ${REFERENCE} (imported)`,
        act: async () => {
          await dropOnPage(page, [dropped]);
          await said(page, 'was imported');
        },
      };
    },
  },
};

/** Images that have labels. */
const slidesOf = ({ datasets }: Pick<Stored, 'datasets'>): number =>
  Object.values(datasets).reduce(
    (sum, { name, labels }) => sum + (name === UNLABELLED ? Object.keys(labels).length : 0),
    0,
  );

export const slideName = (index: number): string => `slide_${String(index).padStart(2, '0')}.png`;

/** Opens an image of the dataset without masks in the editor. */
export async function openSlide(page: Page, name: string): Promise<void> {
  await page.getByLabel('Dataset', { exact: true }).selectOption({ label: UNLABELLED });
  const images = page.getByRole('combobox', { name: 'Image' });
  await images.selectOption(await images.locator('option', { hasText: name }).getAttribute('value'));
  await expect(page.getByRole('application')).toHaveAttribute('aria-label', new RegExp(name));
}

/** Fills the form of a run in. @returns starts it. */
export async function setUpRun(page: Page, name: string): Promise<() => Promise<void>> {
  await openPage(page, 'Train');
  await page.getByRole('button', { name: 'New run' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('checkbox', { name: new RegExp(BASE) }).check();
  const others = page.getByRole('checkbox', { name: new RegExp(UNLABELLED) });
  if ((await others.count()) > 0 && (await others.isEnabled())) await others.uncheck();
  await page.getByText('Advanced').click();
  await setNumber(page, /^Steps/, STEPS);
  await setNumber(page, /^Validate every/, 2);
  await setNumber(page, /^Checkpoint every/, 1);
  await setNumber(page, /^Images per step/, 1);
  await setNumber(page, /^Objects per image/, 1);
  await setNumber(page, /^Corrective clicks/, 0);
  const start = page.getByRole('button', { name: 'Start training' });
  await expect(start).toBeEnabled({ timeout: 60_000 });
  return () => start.click();
}

/** Waits until the run that is shown is over. */
export async function end(page: Page): Promise<void> {
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await run.getByText(/(finished|failed) · step/).waitFor({ timeout: 120_000 });
}

export async function showRun(page: Page, name: string): Promise<void> {
  await openPage(page, 'Train');
  await page.getByRole('navigation', { name: 'Runs' }).getByText(name, { exact: true }).first().click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

const masksOn = (page: Page): Locator => page.getByRole('region', { name: 'Masks' }).getByRole('listitem');

/** Types a new name for what is shown. @returns saves it. */
export async function renaming(page: Page, name: string, fresh: string): Promise<() => Promise<void>> {
  await page.getByRole('button', { name: `Rename ${name}`, exact: true }).click();
  await page.getByRole('textbox', { name: 'New name' }).fill(fresh);
  return async () => {
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Rename ${fresh}`, exact: true }).waitFor();
  };
}

/** Waits until a notice says something. */
async function said(page: Page, text: string): Promise<void> {
  await page
    .getByRole('region', { name: /^Notifications/ })
    .getByRole('listitem')
    .getByText(text)
    .waitFor();
}

async function deletion(page: Page, name: string): Promise<() => Promise<void>> {
  await page.getByRole('button', { name: `Delete ${name}`, exact: true }).click();
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true });
  await confirm.waitFor();
  return async () => {
    await confirm.click();
    await said(page, `${name} was deleted`);
  };
}
