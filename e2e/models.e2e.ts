/** A model of the catalogue: downloaded in two parts through a hub's redirects, opened, there without a network, freed. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { listen, staticServer } from '../scripts/site/server.mjs';
import { type FakeHub, openFakeHub } from '../src/testing/fake-hub.ts';
import { expectAccessible, openPage, openStudio, watchRequests } from './support/studio.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const BASE = '/studio/';

/** The built studio with the hub as its mirror, and a small SAM in the site's own list. */
async function serveStudio(hub: FakeHub): Promise<{ readonly url: string; close(): void }> {
  const config = JSON.parse(await readFile(join(root, 'tests/vectors/hf/config.json'), 'utf8'));
  const weights = await readFile(join(root, 'tests/vectors/hf/model.safetensors'));
  hub.files.set('tests/sam-hf/model.safetensors', weights);
  const index = JSON.parse(await readFile(join(root, 'dist/models/index.json'), 'utf8'));
  const download = {
    id: 'sam-hf',
    label: 'Test SAM',
    use: 'This test.',
    family: 'SAM, ViT',
    licence: 'Apache-2.0',
    page: 'https://mopeft.example/sam-hf',
    repository: 'tests/sam-hf',
    revision: 'main',
    bytes: weights.length,
    files: [{ name: 'model.safetensors', bytes: weights.length }],
    config,
  };
  const site = staticServer({ root: join(root, 'dist'), basePath: BASE, mirror: [hub.url, hub.storageUrl] });
  const server = createServer((request, response) => {
    if (request.url?.startsWith(`${BASE}models/index.json`)) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...index, downloads: [download] }));
    } else {
      site.emit('request', request, response);
    }
  });
  const port = await listen(server, { port: 0 });
  return { url: `http://127.0.0.1:${port}${BASE}`, close: () => server.close() };
}

const card = (page: Page, section: string) =>
  page.getByRole('region', { name: section }).getByRole('article', { name: 'Test SAM' });

test('a model is downloaded, cancelled, gone on with, opened, there without a network, and freed', async ({
  page,
}) => {
  const hub = await openFakeHub({});
  const studio = await serveStudio(hub);
  const strays = watchRequests(page, studio.url);
  await openStudio(page, `${studio.url}#/data`);
  await openPage(page, 'Models');
  const offered = card(page, 'To download');
  await expect(offered).toContainText(`from ${new URL(hub.url).host}/tests/sam-hf`);
  await expect(offered).toContainText(/Memory to train\s*[\d.]+ MiB/);
  await expectAccessible(page);
  expect(strays, 'nothing leaves before a download is chosen').toEqual([]);

  hub.faults.push({ kind: 'stall', after: 30_000 });
  await offered.getByRole('button', { name: /^Download/ }).click();
  await expect(offered).toContainText('29.3 KiB of 74.8 KiB');
  await offered.getByRole('button', { name: 'Cancel' }).click();
  await expect(offered).toContainText('29.3 KiB are here already');

  hub.faults.push({ kind: 'cut', after: 20_000 });
  await offered.getByRole('button', { name: /^Go on/ }).click();
  const own = card(page, 'On this device');
  await expect(own).toContainText('open');
  await expect(page.getByText(/Test SAM · .* px/)).toBeVisible();
  expect(hub.requests, 'each part from where the last one ended, without asking for permission').toEqual([
    'whole',
    'bytes=30000-',
    // The browser may drop what it had not yet handed on when the connection broke.
    expect.stringMatching(/^bytes=[345]\d{4}-$/),
  ]);
  const origins = new Set(strays.map((address) => new URL(address).origin));
  expect([...origins].sort(), 'only the hub and where it redirects to').toEqual(
    [hub.url, hub.storageUrl].sort(),
  );

  const other = await openFakeHub({ 'a/b/c': new Uint8Array(1) });
  const answer = await page.evaluate(
    (url) =>
      fetch(url).then(
        () => 'answered',
        () => 'refused',
      ),
    `${other.url}/a/b/resolve/main/c`,
  );
  expect(answer, 'the policy lets nothing else through').toBe('refused');
  expect(other.requests).toEqual([]);
  await other.close();

  await hub.close();
  await page.reload();
  await expect(page.getByText(/Test SAM · .* px/)).toBeVisible();
  const tiny = page.getByRole('article', { name: 'mopeft-sam-tiny' });
  await tiny.getByRole('button', { name: 'Open' }).click();
  await expect(tiny).toContainText('open');
  await own.getByRole('button', { name: 'Delete Test SAM' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(card(page, 'To download').getByRole('button', { name: /^Download/ })).toBeVisible();
  studio.close();
});
