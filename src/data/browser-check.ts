import { toFailureRecord } from '../config/failure.ts';
import { crc32 } from './crc32.ts';
import { decodePicture } from './decode/picture.ts';
import { checkFileStore } from './file-store.contract.ts';
import { OpfsStore } from './opfs-store.ts';
import { readZip } from './zip.ts';

/** What {@link checkBrowser} found: what broke, or nothing, a zip's unpacked sizes, and a sum of every picture's pixels. */
export interface BrowserFindings {
  readonly store: string;
  readonly zip: readonly number[];
  readonly pictures: readonly number[];
}

/** Decodes files and gives a CRC-32 of each one's pixels. The same code runs in Node for comparison. */
export async function sumsOfPictures(files: readonly Uint8Array[]): Promise<number[]> {
  const sums: number[] = [];
  for (const file of files) {
    const decoded = await decodePicture(file, 'file');
    if (!decoded.ok) throw new Error(decoded.refusal.reason);
    sums.push(crc32(decoded.value.picture.data));
  }
  return sums;
}

/** Bundled by the browser test and run on a page and in a worker: the file store's promises, zips, and the decoders. */
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
  const unpacked = await Promise.all((await readZip(zip, 'z.zip')).files.map((file) => file.bytes()));
  return { store, zip: unpacked.map((entry) => entry.length), pictures: await sumsOfPictures(files) };
}
