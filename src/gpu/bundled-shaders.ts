import type { ShaderSources } from './shader-library.ts';

const files = import.meta.glob<string>('/shaders/**/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Every WGSL file, bundled by Vite as text; keys are paths under `shaders/` without the extension. */
export const shaderSources: ShaderSources = new Map(
  Object.entries(files).map(([path, text]) => [path.slice('/shaders/'.length, -'.wgsl'.length), text]),
);
