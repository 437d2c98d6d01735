/** The versions of Node that the project runs on: `engines` of package.json, `^MAJOR.MINOR` or `>=MAJOR`, divided by `||`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @param {string} root the repository
 * @throws an Error that says what to do when this Node is none of them
 */
export async function checkNode(root) {
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  const isIn = (range) => {
    const [major, minor = 0] = range.match(/\d+/g).map(Number);
    const isLater = range.includes('>=') && ownMajor > major;
    return isLater || (ownMajor === major && ownMinor >= minor);
  };
  if (!engines.node.split('||').some(isIn))
    throw new Error(`Node ${process.versions.node} will not do: install the latest one (${engines.node}).`);
}
