import type { Plugin } from 'vite';

export function notices(): { inPage: () => Plugin; inWorkers: () => Plugin };
