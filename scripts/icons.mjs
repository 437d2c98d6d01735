/** Draws the PNG icons of public/ from icon.svg in Chromium: `node scripts/icons.mjs`, after icon.svg has changed. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { ensureChromium } from './toolchain/chromium.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'public');

/** A maskable icon may be cut to a circle of 80 %: its drawing is smaller, and its ground fills the square. */
const ICONS = [
  { name: 'icon-192.png', size: 192, share: 1, ground: 'transparent' },
  { name: 'icon-512.png', size: 512, share: 1, ground: 'transparent' },
  { name: 'icon-maskable-512.png', size: 512, share: 0.8, ground: '#16202b' },
];

const svg = await readFile(join(folder, 'icon.svg'), 'utf8');
const executablePath = await ensureChromium(root);
const browser = await chromium.launch({
  args: ['--no-sandbox'],
  ...(executablePath ? { executablePath } : {}),
});
try {
  for (const { name, size, share, ground } of ICONS) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    const style = `margin: 0; height: 100vh; display: grid; place-items: center; background: ${ground}`;
    await page.setContent(`<body style="${style}"><div style="width: ${share * 100}vw">${svg}</div></body>`);
    await page.screenshot({ path: join(folder, name), omitBackground: true });
    await page.close();
  }
} finally {
  await browser.close();
}
