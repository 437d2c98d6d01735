/**
 * `npm run test:python`: lint, format and tests of `python/`, on the CPU.
 * Arguments go to pytest: `npm run test:python -- tests/test_model.py -k windows`.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePython } from './toolchain/python.mjs';
import { runSteps } from './toolchain/steps.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main() {
  const python = await ensurePython(root);
  const steps = [
    ['Python: lint', python, ['-m', 'ruff', 'check', '.']],
    ['Python: format', python, ['-m', 'ruff', 'format', '--check', '.']],
    ['Python: tests', python, ['-m', 'pytest', '-q', ...process.argv.slice(2)]],
  ];
  // Without a GPU, so that the tests are the same everywhere.
  process.exitCode = await runSteps(steps, {
    cwd: join(root, 'python'),
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '' },
  });
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
