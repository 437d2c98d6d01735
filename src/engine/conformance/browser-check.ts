import { Gpu } from '../../gpu/gpu.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import type { SetReport } from './report.ts';
import { runSet } from './run-set.ts';

/** A set by the addresses of its files. */
export interface ServedSet {
  readonly name: string;
  readonly json: string;
  /** Address by file name. */
  readonly files: Readonly<Record<string, string>>;
}

/** The page's device, the same for all calls: kernels that several sets use compile once. It lives as long as the page. */
let opened: Promise<Gpu> | undefined;

/** Bundled by the browser test: runs sets on the page's own WebGPU. @param shaders WGSL by name. */
export async function checkSets(
  sets: readonly ServedSet[],
  shaders: Readonly<Record<string, string>>,
): Promise<SetReport[]> {
  opened ??= Gpu.open(navigator.gpu, new Map(Object.entries(shaders)));
  const gpu = await opened;
  const reports: SetReport[] = [];
  for (const { name, json, files } of sets) {
    const sources = Object.entries(files).map(async ([file, url]) => {
      const bytes = await (await fetch(url)).arrayBuffer();
      return [file, bytesSource(file, new Uint8Array(bytes))] as const;
    });
    reports.push(await runSet(gpu, { name, json, files: new Map(await Promise.all(sources)) }));
  }
  return reports;
}
