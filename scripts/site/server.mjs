/** A static file server for `dist/`: plain Node, 127.0.0.1 only, the studio's CSP on every answer. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { HEADER_CSP } from './csp.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wgsl': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/**
 * Serves `root` under `basePath` ("/" or "/some/folder/").
 * @param {{ root: string, basePath?: string }} options
 * @returns {import('node:http').Server} not listening yet
 */
export function staticServer({ root, basePath = '/' }) {
  return createServer(async (request, response) => {
    const refuse = (status, text) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`${text}\n`);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Only GET and HEAD.');
    let path;
    try {
      path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    } catch {
      return refuse(400, 'This address cannot be read.');
    }
    if (!path.startsWith(basePath)) return refuse(404, `Nothing here; the studio is at ${basePath}`);
    let file = normalize(join(root, path.slice(basePath.length)));
    if (file !== normalize(root) && !file.startsWith(normalize(root) + sep)) return refuse(404, 'Not found.');
    let info = await stat(file).catch(() => null);
    if (info?.isDirectory()) {
      file = join(file, 'index.html');
      info = await stat(file).catch(() => null);
    }
    if (!info?.isFile()) return refuse(404, 'Not found.');
    const hashed = /[/\\]assets[/\\]/.test(file);
    response.writeHead(200, {
      'content-type': TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
      'content-length': info.size,
      'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-security-policy': HEADER_CSP,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
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
