import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type PreviewServer, preview } from 'vite';
import { Failure } from '../../config/failure.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const peers = fileURLToPath(new URL('peers', import.meta.url));

/** Installs the libraries that the bench compares with, from their own lock file, when they are not there. */
export async function installPeers(): Promise<void> {
  if (existsSync(join(peers, 'node_modules/@jax-js/jax'))) return;
  console.error('Installing what the bench compares with (npm ci in src/cli/bench/peers) …');
  const code = await new Promise<number | null>((resolve) => {
    spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
      cwd: peers,
      stdio: 'inherit',
      shell: process.platform === 'win32',
    }).on('close', resolve);
  });
  if (code !== 0) {
    throw new Failure({
      code: 'bench/no-peers',
      what: 'The libraries to compare with could not be installed.',
      where: 'src/cli/bench/peers',
      cure: 'Connect to a package registry, or run with --alone.',
    });
  }
}

/**
 * Bundles the page and serves it on 127.0.0.1. Without peers their imports stay unresolved and are never reached.
 * @param checkout of the repository whose page it is; by default this one.
 */
export async function servePage(
  withPeers: boolean,
  checkout = root,
): Promise<{ url: string; server: PreviewServer }> {
  const outDir = join(root, checkout === root ? 'out/bench' : 'out/bench-against');
  const shared = { root: checkout, configFile: false, logLevel: 'warn', publicDir: false } as const;
  await build({
    ...shared,
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      minify: false,
      chunkSizeWarningLimit: 10_000,
      rollupOptions: {
        input: join(checkout, 'src/cli/bench/page/index.html'),
        external: withPeers ? [] : [/^@jax-js\//, /^@tensorflow\//],
      },
    },
  });
  const server = await preview({ ...shared, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
  const [address] = server.resolvedUrls?.local ?? [];
  if (!address) throw new RangeError('the preview server has no address');
  return { url: `${address}src/cli/bench/page/index.html`, server };
}
