/** The oldest Node that the project runs on: `engines` of package.json, `>=MAJOR.MINOR`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @param {string} root the repository
 * @throws an Error that says what to do when this Node is older
 */
export async function checkNode(root) {
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const numbers = (version) => version.replace('>=', '').split('.').map(Number);
  const [major, minor] = numbers(engines.node);
  const [ownMajor, ownMinor] = numbers(process.versions.node);
  if (ownMajor < major || (ownMajor === major && ownMinor < minor))
    throw new Error(`Node ${process.versions.node} is too old: install Node ${major}.${minor} or later.`);
}
