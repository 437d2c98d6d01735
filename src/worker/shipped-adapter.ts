import { Failure } from '../config/failure.ts';
import type { Fetch } from '../engine/embedded.ts';
import { readIncomingAdapter } from '../engine/run/adapter-files.ts';
import type { EngineState } from './engine-state.ts';
import type { NamedWeights } from './segmentation-service.ts';

/** Beside the folder of the embedded models; made by scripts/first-adapter.mjs. */
const FILE = '../adapters/whole-cells.safetensors';

/** The weights of the first minute: the open model, which must be the embedded one, with the adapter that the site brings along. */
export function shippedWeights(
  fetch: Fetch,
  state: Pick<EngineState, 'needModel' | 'modelBaseUrl'>,
): NamedWeights {
  const { open } = state.needModel();
  const tuning = async () => {
    const url = new URL(FILE, state.modelBaseUrl).href;
    const bytes = await siteFile(fetch, url);
    const { adapter } = await readIncomingAdapter(
      [{ path: 'whole-cells.safetensors', size: bytes.length, bytes: async () => bytes }],
      open,
    );
    return adapter;
  };
  return { name: 'first minute', weights: { key: 'shipped', tuning } };
}

/** @throws Failure `demo/fetch`. */
async function siteFile(fetch: Fetch, url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url).catch(() => null);
  // Some hosts answer a missing file with their start page.
  const isPage = response?.headers.get('content-type')?.includes('text/html');
  const bytes = response?.ok && !isPage ? await response.arrayBuffer().catch(() => null) : null;
  if (bytes) return new Uint8Array(bytes);
  throw new Failure({
    code: 'demo/fetch',
    what: 'The tuned weights of the first minute could not be fetched.',
    where: url,
    cure: 'Reload the page; if it stays so, the site was uploaded without its folder adapters. Everything else works.',
  });
}
