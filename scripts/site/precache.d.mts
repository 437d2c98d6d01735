import type { Plugin } from 'vite';

export function precache(options: { readonly source: string }): Plugin;
