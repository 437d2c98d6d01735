import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { budget } from './scripts/site/budget.mjs';
import { mirrorOrigins, withMirror } from './scripts/site/csp.mjs';
import { notices } from './scripts/site/notices.mjs';
import { precache } from './scripts/site/precache.mjs';

/** Writes the mirror and the Content-Security-Policy into the page; the dev server needs inline scripts for hot reload. */
function pageSettings(): Plugin {
  const mirror = mirrorOrigins(process.env.MOPEFT_MIRROR);
  return {
    name: 'page-settings',
    transformIndexHtml: (html, { server }) => withMirror(html, mirror, { hasPolicy: !server }),
  };
}

const { inPage, inWorkers } = notices();

export default defineConfig({
  // Relative addresses: the built site works below any path.
  base: './',
  resolve: { alias: { 'react-remove-scroll': resolve('src/studio/components/no-scroll-lock.ts') } },
  plugins: [
    react(),
    pageSettings(),
    inPage(),
    precache({ source: 'src/studio/offline/service-worker.ts' }),
    budget({ kib: 200 }),
  ],
  worker: { format: 'es', plugins: () => [inWorkers()] },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
});
