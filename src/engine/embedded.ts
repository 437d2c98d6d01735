/** The models that are part of the site: their index and their files, fetched from where the page came from. */
import * as v from 'valibot';
import { Failure } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import { type ByteSource, bytesSource } from '../sam/checkpoint/byte-source.ts';
import { parseSamConfig } from '../sam/checkpoint/parse-config.ts';
import { CatalogueModelSchema } from './catalogue/catalogue.ts';

const IndexSchema = v.object({
  default: v.string(),
  models: v.array(
    v.object({
      id: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
      label: v.string(),
      bytes: v.number(),
      licence: v.string(),
    }),
  ),
  /** Further models of the site's own catalogue, in the form of a record. */
  downloads: v.optional(v.array(CatalogueModelSchema), []),
});

/** What `index.json` says; `default` is one of the ids. */
export type EmbeddedIndex = v.InferOutput<typeof IndexSchema>;

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init?: { readonly signal?: AbortSignal }) => Promise<Response>;

export interface FetchOptions {
  /** Told what `config.json` says, which comes long before the weights. */
  readonly onConfig?: (config: SamConfig) => void;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads `index.json`.
 * @param baseUrl address of the folder, with a slash at its end.
 * @throws Failure `model/index` when it is missing or says something else.
 */
export async function readEmbeddedIndex(fetch: Fetch, baseUrl: string): Promise<EmbeddedIndex> {
  const url = `${baseUrl}index.json`;
  const { bytes } = await get(fetch, url, {});
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    json = null;
  }
  const index = v.safeParse(IndexSchema, json);
  if (index.success && index.output.models.some(({ id }) => id === index.output.default)) return index.output;
  throw new Failure({
    code: 'model/index',
    what: 'The list of embedded models cannot be read.',
    where: url,
    cure: 'Build and upload the site again, the folder models included; or open a SAM checkpoint of your own.',
  });
}

/**
 * Fetches one embedded model: `model.safetensors`, `config.json` and, where there is one, `preprocessor_config.json`.
 * @throws Failure `model/fetch` that names the address.
 */
export async function fetchEmbeddedModel(
  fetch: Fetch,
  baseUrl: string,
  id: string,
  options: FetchOptions = {},
): Promise<ByteSource[]> {
  const folder = `${baseUrl}${id}/`;
  const { onProgress, onConfig, ...quiet } = options;
  const [config, preprocessor, weights] = await Promise.all([
    get(fetch, `${folder}config.json`, quiet).then((file) => {
      const parsed = onConfig && configOf(file.bytes);
      if (parsed) onConfig(parsed);
      return file;
    }),
    get(fetch, `${folder}preprocessor_config.json`, quiet).catch(absent),
    get(fetch, `${folder}model.safetensors`, options),
  ]);
  return [
    bytesSource(`${id}/config.json`, config.bytes),
    ...(preprocessor ? [bytesSource(`${id}/preprocessor_config.json`, preprocessor.bytes)] : []),
    bytesSource(`${id}/model.safetensors`, weights.bytes),
  ];
}

/** Null where it is no config; whoever opens the model says why. */
function configOf(bytes: Uint8Array): SamConfig | null {
  try {
    return parseSamConfig(JSON.parse(new TextDecoder().decode(bytes)), 'config.json');
  } catch {
    return null;
  }
}

async function get(
  fetch: Fetch,
  url: string,
  options: FetchOptions,
): Promise<{ readonly bytes: Uint8Array }> {
  const { onProgress, signal } = options;
  const unreachable = (why: string, status = 0): Failure =>
    new Failure({
      code: status === 404 ? 'model/absent' : 'model/fetch',
      what: `The file could not be fetched (${why}).`,
      where: url,
      cure: 'Reload the page; if it stays so, the site was uploaded without its folder models.',
    });
  const lost = (error: unknown): never => {
    if (signal?.aborted) throw error;
    throw unreachable(error instanceof Error ? error.message : String(error));
  };
  const response = await fetch(url, signal ? { signal } : {}).catch(lost);
  if (!response.ok) throw unreachable(`status ${response.status}`, response.status);
  // Some hosts answer a missing file with their start page.
  if (response.headers.get('content-type')?.includes('text/html'))
    throw unreachable('a page came instead', 404);
  return { bytes: await bodyOf(response, onProgress).catch(lost) };
}

/** All bytes of an answer, which may yet break off. */
async function bodyOf(
  response: Response,
  onProgress: FetchOptions['onProgress'],
): Promise<Uint8Array<ArrayBuffer>> {
  const total = Number(response.headers.get('content-length') ?? 0);
  if (!onProgress || !response.body) return new Uint8Array(await response.arrayBuffer());
  const parts: Uint8Array[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    onProgress(done, Math.max(total, done));
  }
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function absent(error: unknown): null {
  if (error instanceof Failure && error.record.code === 'model/absent') return null;
  throw error;
}
