import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those that it lies in, one after the other: Node's own way of making several never ends where the system
 * says of one that it is not there (`/proc`).
 * @throws the system's error.
 */
export async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) await makeFolders(parent);
  await mkdir(path).catch(async (cause: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile.
    if (cause.code !== 'EEXIST' || !(await isFolder(path))) throw cause;
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}
