import { toFailureRecord } from '../config/failure.ts';
import { decodeImage } from './decode/image.ts';
import { crc32 } from './decode/png.ts';
import { checkFileStore } from './file-store.contract.ts';
import { OpfsStore } from './opfs-store.ts';
import { readZip, writeZip } from './zip.ts';

/**
 * What {@link checkBrowser} found: which promise of the file store broke, or `kept`; the sizes of a zip's entries and
 * of its first one stored in another zip and read again; a sum of every image's pixels.
 */
export interface BrowserFindings {
  readonly store: string;
  readonly zip: readonly number[];
  readonly images: readonly number[];
}

/** Decodes files and gives a CRC-32 of each one's pixels. The same code runs in Node for comparison. */
export async function sumsOfImages(files: readonly Uint8Array[]): Promise<number[]> {
  const sums: number[] = [];
  for (const file of files) {
    const decoded = await decodeImage(file, 'file');
    if (!decoded.ok) throw new Error(decoded.refusal.reason);
    sums.push(crc32(decoded.value.image.data));
  }
  return sums;
}

const unpack = async (zip: Uint8Array) =>
  Promise.all((await readZip(zip, 'z.zip')).files.map((file) => file.bytes()));

/**
 * Bundled by the browser test and run on a page and in a worker: the file store's promises, zips, and the decoders.
 */
export async function checkBrowser(
  folder: string,
  zip: Uint8Array,
  files: readonly Uint8Array[],
): Promise<BrowserFindings> {
  let store = 'kept';
  try {
    const opfs = await OpfsStore.open(folder);
    await opfs.remove('');
    await checkFileStore(opfs);
  } catch (error) {
    store = error instanceof Error ? error.message : toFailureRecord(error).what;
  }
  const unpacked = await unpack(zip);
  const again = await unpack(await writeZip({ 'stored.png': unpacked[0] ?? zip }, 0));
  return {
    store,
    zip: [...unpacked, ...again].map((entry) => entry.length),
    images: await sumsOfImages(files),
  };
}
