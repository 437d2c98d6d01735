import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const shared = folder('../shared/conformance');
const isShared = process.env.MOPEFT_TEST_SHARED === '1';

/** The folders in the form of a set in one of `tests/`. */
const setsIn = (path: string) =>
  readdirSync(folder(path))
    .filter((name) => existsSync(folder(`${path}/${name}/${name}.forward.safetensors`)))
    .map((name) => folder(`${path}/${name}`));

/**
 * Folders of vectors that the tests run: the project's own, or with `npm run test:shared` the one beside the
 * repository.
 */
export const CONFORMANCE_FOLDERS: readonly string[] = isShared ? [shared] : setsIn('tests/vectors');

/** Folders of sets that take minutes to hours here: `npm run test:slow`. */
export const SLOW_FOLDERS: readonly string[] = setsIn('tests/slow-vectors');

/** True when the vectors beside the repository are asked for and not there: their tests are skipped. */
export const SHARED_VECTORS_MISSING = isShared && !existsSync(shared);
