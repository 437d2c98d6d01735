import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { META_CSP } from './scripts/site/csp.mjs';
import { notices } from './scripts/site/notices.mjs';
import { precache } from './scripts/site/precache.mjs';

/** Writes the Content-Security-Policy into the built page; the dev server needs inline scripts for hot reload. */
function metaCsp(): Plugin {
  return {
    name: 'meta-csp',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: META_CSP },
        injectTo: 'head-prepend',
      },
    ],
  };
}

const { inPage, inWorkers } = notices();

export default defineConfig({
  // Relative addresses: the built site works below any path.
  base: './',
  plugins: [react(), metaCsp(), inPage(), precache({ source: 'src/studio/offline/service-worker.ts' })],
  worker: { format: 'es', plugins: () => [inWorkers()] },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
});
