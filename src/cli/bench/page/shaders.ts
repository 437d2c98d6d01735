import type { ShaderSources } from '../../../gpu/shader-library.ts';

/** Every WGSL file, bundled as text; keys are paths under `shaders/` without the extension. */
const files = import.meta.glob<string>('/shaders/**/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const shaderSources: ShaderSources = new Map(
  Object.entries(files).map(([path, text]) => [path.slice('/shaders/'.length, -'.wgsl'.length), text]),
);
