import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { headerPolicy, mirrorOrigins, policy, withMirror } from './csp.mjs';
import { listen, staticServer } from './server.mjs';

let folder: string;
let server: Server;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-'));
  const root = join(folder, 'dist');
  await mkdir(join(root, 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.html'), 'secret');
  await writeFile(join(root, 'index.html'), '<!doctype html>');
  await writeFile(join(root, 'assets', 'a-1234.js'), 'export {};');
  await writeFile(join(root, 'model.safetensors'), 'weights');
  await writeFile(join(root, 'a.wasm'), 'code');
  server = staticServer({ root, basePath: '/some/folder/' });
  port = await listen(server, { port: 0 });
});
afterAll(async () => {
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** As the path is written: `fetch` would take `..` out before it asks. */
function ask(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ port, path, method, headers }, async (answer) => {
      let body = '';
      for await (const part of answer.setEncoding('utf8')) body += part;
      resolve({ status: answer.statusCode, headers: answer.headers, body });
    })
      .on('error', reject)
      .end();
  });
}

it.each([
  ['', 'text/html;charset=utf-8', 'no-cache'],
  ['index.html', 'text/html;charset=utf-8', 'no-cache'],
  ['assets/a-1234.js', 'text/javascript', 'public, max-age=31536000, immutable'],
  ['model.safetensors', 'application/octet-stream', 'no-cache'],
  ['a.wasm', 'application/wasm', 'no-cache'],
])('serves %j with its type and caching', async (path, type, caching) => {
  const { status, headers } = await ask(`/some/folder/${path}`);
  expect(status).toBe(200);
  expect(headers).toMatchObject({ 'content-type': type, 'cache-control': caching });
});

it.each([
  ['/some/folder/', 'GET', 200],
  ['/some/folder/', 'HEAD', 200],
  ['/some/folder/', 'POST', 405],
  ['/', 'GET', 404],
  ['/some/folder/none.html', 'GET', 404],
  ['/some/folder/../secret.html', 'GET', 404],
  ['/some/folder/..%2Fsecret.html', 'GET', 404],
  ['/some/folder/%2e%2e/secret.html', 'GET', 404],
  ['/some/folder/%', 'GET', 404],
])('answers %s %s with %i and the policy', async (path, method, status) => {
  const answer = await ask(path, method);
  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('secret');
  expect(answer.headers).toMatchObject({
    'content-security-policy': headerPolicy(''),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});

it('sends a file again only when it changed', async () => {
  const { etag } = (await ask('/some/folder/')).headers;
  const again = await ask('/some/folder/', 'GET', { 'if-none-match': String(etag) });
  expect(again).toMatchObject({ status: 304, body: '' });
  await writeFile(join(folder, 'dist', 'index.html'), '<!doctype html><p>new</p>');
  expect((await ask('/some/folder/', 'GET', { 'if-none-match': String(etag) })).body).toContain('new');
});

const PAGE = '<!doctype html><html><head><meta name="model-mirror" content="" /></head></html>';
const connectOf = (csp: unknown): string[] => (/connect-src ([^;]*)/.exec(String(csp))?.[1] ?? '').split(' ');

it('lets models come from the hub and where it redirects to, and from nowhere else', () => {
  expect(connectOf(policy())).toEqual([
    "'self'",
    'https://huggingface.co',
    'https://*.huggingface.co',
    'https://*.hf.co',
  ]);
  expect(policy().replace(/connect-src [^;]*/, '')).not.toMatch(/https?:|\*/);
});

it('serves the page with the mirror that is set, and a policy that allows it and its redirects', async () => {
  const root = join(folder, 'mirrored');
  await mkdir(root);
  await writeFile(join(root, 'index.html'), withMirror(PAGE, []));
  const mirror = mirrorOrigins('http://mirror.example:8080/hub/ https://storage.example');
  const mirrored = staticServer({ root, mirror });
  try {
    const address = `http://127.0.0.1:${await listen(mirrored, { port: 0 })}`;
    for (const path of ['/', '/index.html']) {
      const answer = await fetch(address + path);
      const html = await answer.text();
      expect(html).toContain('<meta name="model-mirror" content="http://mirror.example:8080/hub" />');
      for (const csp of [html, answer.headers.get('content-security-policy')]) {
        expect(connectOf(csp).slice(-2)).toEqual(['http://mirror.example:8080', 'https://storage.example']);
      }
    }
  } finally {
    mirrored.close();
  }
});

it('sends the policy that the page was built with', async () => {
  const root = join(folder, 'built');
  await mkdir(root);
  await writeFile(join(root, 'index.html'), withMirror(PAGE, ['https://mirror.example']));
  const built = staticServer({ root });
  try {
    const answer = await fetch(`http://127.0.0.1:${await listen(built, { port: 0 })}/`);
    expect(connectOf(answer.headers.get('content-security-policy')).at(-1)).toBe('https://mirror.example');
    expect(await answer.text()).toContain('content="https://mirror.example"');
  } finally {
    built.close();
  }
});

it.each(['mirror.example', 'https://a;script-src', "https://a'", 'ftp://a', '*'])(
  'takes %j for no mirror',
  (text) => {
    expect(() => mirrorOrigins(text)).toThrow(/no address/);
  },
);
