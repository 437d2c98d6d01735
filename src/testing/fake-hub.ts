/** A hub on this machine, with the addresses, redirects and faults of the real one. Two origins, as there. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next request to the storage gets instead of its file. */
export type HubFault =
  /** The connection breaks after so many bytes of the answer. */
  | { readonly kind: 'cut'; readonly after: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** A sign-in page; `disguised` with the type of a file. */
  | { readonly kind: 'page'; readonly disguised?: boolean }
  /** The whole file, whatever range is asked for. */
  | { readonly kind: 'no-range' }
  /** A range from another place than the one that was asked for. */
  | { readonly kind: 'wrong-range' }
  /** The answer stops after so many bytes until {@link FakeHub.goOn} is called. */
  | { readonly kind: 'stall'; readonly after: number };

export interface FakeHub {
  /** Address of the hub, without a slash at its end. */
  readonly url: string;
  /** Of the storage that it redirects to. */
  readonly storageUrl: string;
  /** Files by `OWNER/NAME/FILE`; may be changed while it runs. */
  readonly files: Map<string, Uint8Array>;
  /** Faults of the next requests, first first. */
  readonly faults: HubFault[];
  /** Whether ETag and Content-Range are shown to other origins. */
  showsHeaders: boolean;
  /** Requests to the storage so far: the range that was asked for, or `whole`. */
  readonly requests: string[];
  goOn(): void;
  close(): Promise<void>;
}

/** Opens it on free ports of 127.0.0.1. */
export async function openFakeHub(files: Readonly<Record<string, Uint8Array>>): Promise<FakeHub> {
  const stalled: (() => void)[] = [];
  const storage = createServer((request, response) => {
    hub.requests.push(request.method === 'OPTIONS' ? 'preflight' : (request.headers.range ?? 'whole'));
    const path = new URL(request.url ?? '/', hub.storageUrl).pathname.slice(1);
    const bytes = hub.files.get(path);
    if (bytes && request.method === 'GET') answer(request, response, bytes, hub, stalled);
    else send(response, bytes ? 405 : 404, {}, '');
  });
  const front = createServer((request, response) => {
    const [, repository, file] = /^\/([^/]+\/[^/]+)\/resolve\/[^/]+\/([^/?]+)$/.exec(request.url ?? '') ?? [];
    const location = `${hub.storageUrl}/${repository}/${file}?signature=0123`;
    if (hub.files.has(`${repository}/${file}`)) send(response, 302, { location }, '');
    else send(response, 404, {}, 'Entry not found');
  });
  const hub: FakeHub = {
    url: await listen(front),
    storageUrl: await listen(storage),
    files: new Map(Object.entries(files)),
    faults: [],
    showsHeaders: true,
    requests: [],
    goOn: () => {
      for (const each of stalled.splice(0)) each();
    },
    close: async () => {
      hub.goOn();
      await Promise.all([front, storage].map(close));
    },
  };
  return hub;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  hub: FakeHub,
  stalled: (() => void)[],
): void {
  const fault = hub.faults.shift();
  const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
  const isRange = Number.isInteger(asked) && fault?.kind !== 'no-range';
  if (fault?.kind === 'status') {
    const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
    send(response, fault.status, headers, 'No.');
    return;
  }
  if (fault?.kind === 'page') {
    const type = fault.disguised ? 'application/octet-stream' : 'text/html; charset=utf-8';
    send(response, 200, { 'content-type': type }, '<!DOCTYPE html><title>Sign in</title>');
    return;
  }
  if (isRange && asked >= bytes.length) {
    send(response, 416, {}, '');
    return;
  }
  const start = isRange ? (fault?.kind === 'wrong-range' ? asked - 1 : asked) : 0;
  const body = bytes.subarray(start);
  response.writeHead(isRange ? 206 : 200, {
    'access-control-allow-origin': '*',
    ...(hub.showsHeaders && { 'access-control-expose-headers': 'ETag, Content-Range', etag: etagOf(bytes) }),
    ...(isRange &&
      hub.showsHeaders && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    'content-type': 'application/octet-stream',
    'content-length': body.length,
  });
  switch (fault?.kind) {
    case 'cut':
      response.write(body.subarray(0, fault.after), () => response.destroy());
      return;
    case 'stall':
      response.write(body.subarray(0, fault.after));
      stalled.push(() => response.end(body.subarray(fault.after)));
      return;
    default:
      response.end(body);
  }
}

const etagOf = (bytes: Uint8Array): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, {
    'access-control-allow-origin': '*',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
