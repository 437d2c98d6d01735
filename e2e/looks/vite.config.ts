import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const root = resolve(import.meta.dirname, '../..');

/** The studio with invented answers (src/studio/testing): every screen at once, without a model or a GPU. */
export default defineConfig({
  base: './',
  root: resolve(root, 'src/studio/testing'),
  resolve: { alias: { 'react-remove-scroll': resolve(root, 'src/studio/components/no-scroll-lock.ts') } },
  plugins: [react()],
  build: {
    target: 'es2022',
    outDir: resolve(root, 'out/looks'),
    emptyOutDir: true,
    rolldownOptions: { input: resolve(root, 'src/studio/testing/preview.html') },
  },
});
