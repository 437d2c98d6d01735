import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { STUDIO_VERSION } from './version.ts';

test('files say the version that the package has', () => {
  expect(STUDIO_VERSION).toBe(packageJson.version);
});
