import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readShaders } from '../cli/shaders.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { checkOp } from '../testing/check-op.ts';
import { openTestGpu } from '../testing/device.ts';
import { OPS } from './registry.ts';

const show = (shapes: readonly (readonly number[] | null)[]) =>
  shapes.map((shape) => (shape ? shape.join('×') : '–')).join(' ');

// Passes do not depend on limits: what runs on the least runs on more.
describe('op conformance on WebGPU’s default limits', () => {
  let gpu: Gpu;
  const ran = new Set<string>();
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  for (const op of OPS) {
    for (const opCase of op.cases) {
      it(`${op.name} ${show(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`, async () => {
        const before = gpu.allocatedBytes;
        const check = await checkOp(gpu, op, opCase);
        for (const name of check.ran) ran.add(name);
        for (const { what, error, tolerance } of check.findings)
          expect(error, what).toBeLessThanOrEqual(tolerance);
        expect(gpu.allocatedBytes, 'a buffer leaked').toBe(before);
      });
    }
  }

  it('covers every op: by its own cases or by the gradient of the op that it names', () => {
    for (const op of OPS) {
      if (typeof op.reference === 'function') expect(op.cases.length, op.name).toBeGreaterThan(0);
      else
        expect(
          OPS.map(({ name }) => name),
          op.name,
        ).toContain(op.reference.checkedBy);
      expect([...ran], `${op.name} never ran`).toContain(op.name);
    }
  });
});

describe('the registry', () => {
  it('lists every folder of src/ops', () => {
    const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const names = OPS.map(({ name }) => name.toLowerCase());
    for (const { name } of folders) expect(names, name).toContain(name.replaceAll('-', ''));
  });

  it('has names that are used once', () => {
    expect(new Set(OPS.map(({ name }) => name)).size).toBe(OPS.length);
  });

  it('leaves no shader without a user', () => {
    const sources = readShaders();
    const included = [...sources.values()].flatMap((text) =>
      [...text.matchAll(/#include "([^"]+)"/g)].map((match) => match[1]),
    );
    const asked = new Set<string | undefined>(included);
    for (const op of OPS) for (const name of shadersOf(op.name)) asked.add(name);
    expect([...sources.keys()].filter((name) => !asked.has(name))).toEqual([]);
  });

  // Naga writes HLSL in which the zeros of a type and of its alias are two functions of one name: no Firefox on Windows compiles it.
  it('has no shader that writes the zero of an alias without a number', () => {
    const sources = [...readShaders()];
    const aliases = sources.flatMap(([, text]) =>
      [...text.matchAll(/\balias (\w+)/g)].map(([, name]) => name),
    );
    expect(aliases).toContain('Value');
    const zero = new RegExp(`\\b(${aliases.join('|')})\\(\\)`);
    expect(sources.filter(([, text]) => zero.test(text)).map(([name]) => name)).toEqual([]);
  });
});

/** Shader names written in an op's folder, found in its source text. */
function shadersOf(opName: string): string[] {
  const root = new URL('.', import.meta.url);
  const folder = readdirSync(root).find((name) => name.replaceAll('-', '') === opName.toLowerCase());
  if (!folder) return [];
  const dir = new URL(`${folder}/`, root);
  return readdirSync(dir).flatMap((file) =>
    [...readText(new URL(file, dir)).matchAll(/'([a-z0-9-]+\/[a-z0-9-]+)'/g)].map((match) => match[1] ?? ''),
  );
}

function readText(file: URL): string {
  return readFileSync(file, 'utf8');
}
