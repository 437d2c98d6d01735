import type { Plugin } from 'vite';

export function budget(options: { readonly kib: number }): Plugin;
export function heaviest(bundle: object): [string, number];
