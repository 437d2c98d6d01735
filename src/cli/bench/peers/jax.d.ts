import type { Peer } from './work.ts';

/** jax-js on its WebGPU backend. */
export function openPeer(): Promise<Peer>;
