import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ShaderSources } from '../gpu/shader-library.ts';

/** Every `.wgsl` file under `shaders/`, by its path without the extension. */
export function readShaders(): ShaderSources {
  const root = fileURLToPath(new URL('../../shaders', import.meta.url));
  const sources = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.wgsl')) continue;
    const path = join(entry.parentPath, entry.name);
    sources.set(
      relative(root, path).replaceAll('\\', '/').slice(0, -'.wgsl'.length),
      readFileSync(path, 'utf8'),
    );
  }
  return sources;
}
