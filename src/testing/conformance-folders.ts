import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const shared = folder('../shared/conformance');
const isShared = process.env.MOPEFT_TEST_SHARED === '1';

/** Folders of tests/vectors in the form of a set. */
const own = readdirSync(folder('tests/vectors')).filter((name) =>
  existsSync(folder(`tests/vectors/${name}/${name}.forward.safetensors`)),
);

/**
 * Folders of vectors that the tests run: the project's own, or with `npm run test:shared` the one beside the
 * repository.
 */
export const CONFORMANCE_FOLDERS: readonly string[] = isShared
  ? [shared]
  : own.map((name) => folder(`tests/vectors/${name}`));

/** Folders of sets that take minutes to hours here: `npm run test:slow`. */
export const SLOW_FOLDERS: readonly string[] = readdirSync(folder('tests/slow-vectors')).map((name) =>
  folder(`tests/slow-vectors/${name}`),
);

/** True when the vectors beside the repository are asked for and not there: their tests are skipped. */
export const SHARED_VECTORS_MISSING = isShared && !existsSync(shared);
