/** A static file server for `dist/` on 127.0.0.1: sirv with the studio's headers on every answer. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import sirv from 'sirv';
import { headerPolicy, withMirror } from './csp.mjs';

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/**
 * Serves `root` under `basePath` ("/" or "/some/folder/"). Files are looked up at each request, so that a build may replace them.
 * @param {{ root: string, basePath?: string, mirror?: readonly string[] }} options `mirror`: addresses to set in the
 * page in place of those of the build; see `mirrorOrigins`
 * @returns {import('node:http').Server} not listening yet
 */
export function staticServer({ root, basePath = '/', mirror = [] }) {
  const readPage = async () => {
    const html = await readFile(join(root, 'index.html'), 'utf8').catch(() => '');
    return mirror.length > 0 && html !== '' ? withMirror(html, mirror) : html;
  };
  const sendFile = sirv(root, {
    dev: true,
    etag: true,
    setHeaders: (response, path) => {
      // The names of assets hold a hash of their content; sirv says no-cache of all others.
      if (path.startsWith('/assets/'))
        response.setHeader('cache-control', 'public, max-age=31536000, immutable');
      if (path.endsWith('.safetensors')) response.setHeader('content-type', 'application/octet-stream');
    },
  });
  return createServer(async (request, response) => {
    const page = await readPage();
    response.setHeader('content-security-policy', headerPolicy(page));
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const refuse = (status, text) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${text}\n`);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET and HEAD.');
    if (!request.url?.startsWith(basePath)) return refuse(404, `Nothing here; the studio is at ${basePath}`);
    request.url = `/${request.url.slice(basePath.length)}`;
    if (mirror.length > 0 && /^\/(index\.html)?([?#]|$)/.test(request.url)) {
      response.writeHead(200, { 'content-type': 'text/html;charset=utf-8', 'cache-control': 'no-cache' });
      return response.end(request.method === 'HEAD' ? undefined : page);
    }
    sendFile(request, response, () => refuse(404, 'Not found.'));
  });
}

/**
 * Listens on 127.0.0.1: on `port` when it is given, else on the first free one from `from` on.
 * @param {import('node:http').Server} server
 * @param {{ port?: number, from?: number }} [options]
 * @returns {Promise<number>} the port
 */
export async function listen(server, { port, from = 4173 } = {}) {
  const candidates = port !== undefined ? [port] : [...Array.from({ length: 20 }, (_, i) => from + i), 0];
  for (const candidate of candidates) {
    const taken = await new Promise((resolve, reject) => {
      const failed = (error) =>
        error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(true) : reject(error);
      server.once('error', failed);
      server.listen(candidate, '127.0.0.1', () => {
        server.off('error', failed);
        resolve(false);
      });
    });
    if (!taken) return server.address().port;
  }
  throw new Error(`Port ${port} is taken: set PORT to another one, or unset it to let a free one be found.`);
}
