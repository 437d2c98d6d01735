import { Failure } from '../../config/failure.ts';

/**
 * The bytes of a decoder that a package brings: from the site's own folder in a browser, from `node_modules` in Node.
 * @throws Failure `data/decoder-missing`.
 */
export async function readWasm(address: URL): Promise<Uint8Array> {
  try {
    if (address.protocol === 'file:') {
      // Not imported, since browsers have no such module.
      return await process.getBuiltinModule('node:fs/promises').readFile(address);
    }
    const response = await fetch(address);
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Failure({
      code: 'data/decoder-missing',
      what: `The decoder ${address.pathname.split('/').at(-1)} for this kind of image could not be loaded (${detail}).`,
      cure: 'Check that the site can be reached, reload the page and drop the file again; on the command line, run npm ci.',
    });
  }
}
