import type { Peer } from './work.ts';

/** TensorFlow.js on its WebGPU backend. */
export function openPeer(): Promise<Peer>;
