import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Folders of vectors that the tests run: the project's own, and those given from outside where they are. */
export const CONFORMANCE_FOLDERS: readonly string[] = [
  ...['tests/vectors/gates', 'tests/vectors/rounds', 'tests/vectors/image'].map(folder),
  ...[folder('../shared/conformance')].filter((path) => existsSync(path)),
];
