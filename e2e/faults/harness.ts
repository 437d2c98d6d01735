/**
 * Kills the studio at random moments of what a person does, opens it again, and checks that everything accepted is
 * there, that nothing is half there, and that interrupted runs go on to the losses of one that was never interrupted.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BrowserContext,
  chromium,
  expect,
  type LaunchOptions,
  type Locator,
  type Page,
} from '@playwright/test';
import { drawPair, writeDomain } from '../support/domains.ts';
import { dropOnPage, importByDrop, openPage } from '../support/studio.ts';
import {
  ACTIONS,
  BASE,
  baseName,
  end,
  openSlide,
  REFERENCE,
  renaming,
  SLIDES,
  STEPS,
  setUpRun,
  showRun,
  slideName,
} from './actions.ts';
import { difference, readStored, type Stored, UNLABELLED } from './stored.ts';

/** A SAM of a few kilobytes, so that a step takes milliseconds. */
const MODEL = join(dirname(fileURLToPath(import.meta.url)), '../../tests/vectors/hf');

export type Kill = 'page' | 'browser';
/** `alone`, beside a second tab that renames the base dataset meanwhile, or with hardly any storage left. */
export type Setting = 'alone' | 'two tabs' | 'full';

export interface Plan {
  readonly action: string;
  readonly setting: Setting;
  readonly kill: Kill;
  /** When it is killed: milliseconds are this share of what the action usually takes. 0 to 1.2 */
  readonly share: number;
}

export interface Moment extends Plan {
  /** Milliseconds from the click that counts to the kill. */
  readonly ms: number;
  /** What the studio had said by then; `unsaid`: nothing yet. */
  readonly answer: 'accepted' | 'refused' | 'unsaid';
  /** Whether what was done is there afterwards. */
  readonly isThere: boolean;
  /** Runs that were interrupted and went on to the end. */
  readonly resumed: number;
  /** What is wrong; empty when nothing is. */
  readonly faults: readonly string[];
}

export interface HarnessOptions {
  /** New, or of an earlier harness: its profile and files are used again. */
  readonly folder: string;
  readonly address: string;
  readonly launch: LaunchOptions;
}

interface Expected {
  readonly change: string;
  readonly answer: Moment['answer'];
  /** Changes of the second tab, which was not killed. */
  readonly others: readonly string[];
}

/** Bytes that are left at most when storage is nearly full: less than an import or a run takes. */
const LEFT = 200_000;
/** Milliseconds until a page is given up. */
const PATIENCE = 90_000;

export class FaultHarness {
  private context: BrowserContext | null = null;
  private reference: readonly string[] = [];
  private readonly usual = new Map<string, number>();

  private constructor(private readonly options: HarnessOptions) {}

  /** Opens the profile, and fills a new one: the tiny model, a dataset, a run that is not interrupted, its adapter. */
  static async open(options: HarnessOptions): Promise<FaultHarness> {
    const harness = new FaultHarness(options);
    await harness.load();
    return harness;
  }

  private async load(): Promise<void> {
    const known = join(this.options.folder, 'reference.json');
    if (!existsSync(known)) await writeFile(known, JSON.stringify(await this.fill()));
    this.reference = JSON.parse(await readFile(known, 'utf8'));
  }

  async close(): Promise<void> {
    // It may have been ended already.
    await this.context?.close().catch(() => undefined);
    this.context = null;
  }

  /** One moment. @param name that nothing has yet. @param choose one of the actions that are possible. */
  async run(name: string, choose: (possible: readonly string[]) => Plan): Promise<Moment> {
    const { folder } = this.options;
    const page = await this.openTab();
    const stored = await readStored(page);
    const plan = choose(Object.keys(ACTIONS).filter((each) => ACTIONS[each]?.isPossible(stored)));
    const action = ACTIONS[plan.action];
    if (!action) throw new Error(`there is no action ${plan.action}`);
    const prepared = await action.prepare({ page, folder, fresh: name, stored });
    const { act, change } = prepared;
    const base = baseName(stored);
    const other = plan.setting === 'two tabs' ? await this.openTab() : null;
    const renamed = `${BASE} beside ${name}`;
    const rename = other && (await renaming(other, base, renamed));
    if (plan.setting === 'full') await limitStorage(page, plan.share * LEFT);

    const usual = this.usual.get(plan.action) ?? action.usual;
    const begun = performance.now();
    const accepted = act().then(() => 'accepted' as const);
    const refused = refusal(page).then(() => 'refused' as const);
    // Both reject when the page is killed, or, in a rare moment, never end.
    for (const outcome of [accepted, refused]) outcome.catch(() => undefined);
    const patience = new Promise<'unsaid'>((resolve) =>
      setTimeout(() => resolve('unsaid'), plan.setting === 'full' ? PATIENCE : plan.share * usual),
    );
    const beside = rename?.();
    const answer = await Promise.race([accepted, refused, patience]);
    const ms = performance.now() - begun;
    if (answer === 'accepted') this.usual.set(plan.action, (usual + ms) / 2);
    // On a slow machine every moment would be an early one otherwise.
    else if (answer === 'unsaid' && plan.share > 1) this.usual.set(plan.action, 1.5 * usual);
    await beside;
    await this.kill(plan.kill, page);

    const others = other ? [`datasets ${base} is ${renamed}`] : [];
    const checked = await this.check(prepared.stored ?? stored, { change, answer, others });
    for (const tab of this.context?.pages() ?? []) if (tab.url() !== 'about:blank') await tab.close();
    await rm(join(folder, name), { recursive: true, force: true });
    return { ...plan, ms: Math.round(ms), answer, ...checked };
  }

  private async check(before: Stored, { change, answer, others }: Expected) {
    const faults: string[] = [];
    const page = await this.openTab();
    const stored = await readStored(page);
    faults.push(...stored.faults);
    const changes = difference(before, stored);
    const isThere = changes.includes(change);
    const wanted = [...others, ...(isThere ? [change] : [])].sort();
    if (changes.join('\n') !== wanted.join('\n'))
      faults.push(`changed: ${changes.join(', ')}; wanted: ${wanted.join(', ')}`);
    if (answer === 'accepted' && !isThere) faults.push(`accepted and not there: ${change}`);
    // A run that was started and could not be stored to its end is there, and resumed below.
    if (answer === 'refused' && isThere && !change.startsWith('+ runs'))
      faults.push(`refused and there: ${change}`);
    if (answer === 'accepted' && stored.halves.length > 0) faults.push(`left: ${stored.halves.join(', ')}`);
    faults.push(...(await shownFaults(page, stored)));
    if (answer === 'accepted')
      faults.push(...stored.unpublished.map((label) => `accepted without masks: ${label}`));
    await publish(page, stored, faults);
    const resumed = await this.resume(page, stored, faults);
    return { isThere, resumed, faults };
  }

  /** Goes on with what was interrupted, and compares the losses of all runs with the reference's. */
  private async resume(page: Page, stored: Stored, faults: string[]): Promise<number> {
    const left = Object.values(stored.runs).filter(
      ({ status }) => status !== 'finished' && status !== 'imported',
    );
    for (const { name } of left) {
      await showRun(page, name);
      await page.getByRole('button', { name: /^(Resume|Finish testing)$/ }).click();
      await page.getByRole('region', { name: 'Run', exact: true }).getByText('running · step').waitFor();
      await end(page);
    }
    const { runs } = left.length > 0 ? await readStored(page) : stored;
    for (const { name, status, losses } of Object.values(runs)) {
      if (status === 'imported') continue;
      if (status !== 'finished') faults.push(`${name} is ${status} after it was resumed`);
      else if (losses.join() !== this.reference.join())
        faults.push(`${name} has other losses than the reference`);
    }
    return left.length;
  }

  /** @returns the losses of the reference. */
  private async fill(): Promise<readonly string[]> {
    const { folder } = this.options;
    const model = join(folder, 'tiny');
    await mkdir(model, { recursive: true });
    for (const file of ['config.json', 'model.safetensors'])
      await copyFile(join(MODEL, file), join(model, file));
    // All that a model's folder can say, so that nothing has to be assumed and no card comes up.
    const preprocessor = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
    await writeFile(join(model, 'preprocessor_config.json'), JSON.stringify(preprocessor));
    await writeDomain(folder, 'discs', 6);
    await mkdir(join(folder, UNLABELLED));
    for (let i = 0; i < SLIDES; i++)
      await writeFile(join(folder, UNLABELLED, slideName(i)), drawPair('discs', i % 6).image);
    const page = await this.openTab();
    await dropOnPage(page, [model]);
    await page
      .getByRole('button', { name: /Model, GPU/ })
      .filter({ hasText: 'tiny' })
      .waitFor();
    await importByDrop(page, [join(folder, 'discs')]);
    await page.getByRole('article', { name: BASE }).waitFor();
    // Of images alone there is nothing to ask.
    await dropOnPage(page, [join(folder, UNLABELLED)]);
    await page.getByRole('article', { name: UNLABELLED }).waitFor();
    await (await setUpRun(page, REFERENCE))();
    await end(page);
    const adapter = await page.evaluate(async () => {
      let at = await (await navigator.storage.getDirectory()).getDirectoryHandle('mopeft-studio');
      at = await at.getDirectoryHandle('runs');
      for await (const id of at.keys()) {
        const file = await (await at.getDirectoryHandle(id)).getFileHandle('adapter.safetensors');
        return [...new Uint8Array(await (await file.getFile()).arrayBuffer())];
      }
      return [];
    });
    await mkdir(join(folder, 'adapter'));
    await writeFile(join(folder, 'adapter/adapter.safetensors'), Uint8Array.from(adapter));
    const { runs, faults } = await readStored(page);
    await page.close();
    const losses = Object.values(runs)[0]?.losses ?? [];
    if (losses.length !== STEPS || faults.length > 0)
      throw new Error(`the reference is not whole: ${faults.join()}`);
    return losses;
  }

  private async openTab(): Promise<Page> {
    const { folder, launch, address } = this.options;
    if (!this.context) {
      const profile = join(folder, 'profile');
      // A browser that was killed leaves its lock.
      for (const name of ['SingletonLock', 'SingletonSocket', 'SingletonCookie'])
        await rm(join(profile, name), { force: true });
      this.context = await chromium.launchPersistentContext(profile, {
        ...launch,
        viewport: { width: 1280, height: 720 },
      });
      this.context.setDefaultTimeout(PATIENCE);
      // tsx wraps named functions, also those that are sent to the page.
      await this.context.addInitScript('globalThis.__name ??= (named) => named');
    }
    const page = await this.context.newPage();
    await page.goto(new URL('#/data', address).href);
    await page.getByText('Starting the engine …').waitFor({ state: 'hidden' });
    await page
      .getByRole('button', { name: /Model, GPU/ })
      .filter({ hasText: /tiny/ })
      .waitFor();
    return page;
  }

  /** Ends the page's process, or the whole browser's, at once. */
  private async kill(kill: Kill, page: Page): Promise<void> {
    const { context } = this;
    if (!context) return;
    if (kill === 'page') {
      const session = await context.newCDPSession(page);
      const crashed = page.waitForEvent('crash');
      void session.send('Page.crash').catch(() => undefined);
      await crashed;
      return;
    }
    const closed = context.waitForEvent('close');
    const session = await context.browser()?.newBrowserCDPSession();
    const { processInfo = [] } = (await session?.send('SystemInfo.getProcessInfo')) ?? {};
    const browser = processInfo.find(({ type }) => type === 'browser');
    if (!browser) throw new Error('Chromium does not name its own process');
    process.kill(browser.id, 'SIGKILL');
    await closed;
    this.context = null;
  }
}

/** Opens the images whose labels are newer than their masks, as a person would, which makes their masks. */
async function publish(page: Page, { unpublished }: Stored, faults: string[]): Promise<void> {
  if (unpublished.length === 0) return;
  await openPage(page, 'Segment');
  for (const label of unpublished) await openSlide(page, label.slice(label.indexOf('/') + 1));
  const { unpublished: left, faults: more } = await readStored(page);
  faults.push(...more, ...left.map((label) => `still without masks: ${label}`));
}

/** The storage that is left from now on, until the page is gone. @param left bytes. */
async function limitStorage(page: Page, left: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  await session.send('Storage.overrideQuotaForOrigin', {
    origin: new URL(page.url()).origin,
    quotaSize: Math.round(usage + left),
  });
}

/** Resolves when the studio says that something did not fit. */
async function refusal(page: Page): Promise<void> {
  await page
    .getByText(/storage .* is full/)
    .first()
    .waitFor({ timeout: 0 });
}

/** What the pages show beside what is stored. Deletes what cannot be opened, as a person would. */
async function shownFaults(page: Page, stored: Stored): Promise<string[]> {
  const faults: string[] = [];
  const halves = (kind: string) => stored.halves.filter((path) => path.startsWith(kind)).length;
  const expectCount = async (what: string, locator: Locator, count: number): Promise<void> => {
    await expect(locator, what)
      .toHaveCount(count, { timeout: 20_000 })
      .catch(async () => faults.push(`${await locator.count()} ${what} are shown, ${count} are stored`));
  };
  const broken = page.getByRole('region', { name: 'Cannot be opened' }).getByRole('listitem');
  for (const [name, kind, shown] of [
    ['Data', 'datasets', page.getByRole('article')],
    ['Train', 'runs', page.getByRole('navigation', { name: 'Runs' }).getByRole('listitem')],
  ] as const) {
    await openPage(page, name);
    await expectCount(kind, shown, Object.keys(stored[kind]).length);
    await expectCount(`${kind} that cannot be opened`, broken, halves(kind));
    for (let count = await broken.count(); count > 0; count--) {
      await broken
        .first()
        .getByRole('button', { name: /^Delete/ })
        .click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await expectCount(`${kind} after one was deleted`, broken, count - 1);
    }
  }
  await openPage(page, 'Export');
  const masks = page.getByRole('region', { name: 'Masks' }).getByRole('listitem');
  await expectCount('masks', masks, stored.masks.length);
  return faults;
}
