/** Archives of NumPy's arrays (.npz). Source: numpy.lib.npyio. */
import { nameParts } from '../file-names.ts';
import { type LazyFile, openParts } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { readZip } from '../zip.ts';
import type { ArchiveFormat, Member } from './members.ts';
import { isNpy, MOST_NPY_HEAD, readNpyHeader } from './npy-header.ts';

const ZIP_LIMITS = {
  entries: limits.archiveArrays,
  entryBytes: limits.fileBytes,
  totalBytes: limits.zipBytes,
};

export const npz: ArchiveFormat = {
  what: 'an archive of NumPy arrays',
  cureOfNone: 'Save it again with np.savez_compressed; renaming a file does not change what it holds.',
  loading: (file) => `a = np.load("${file}")`,
  saved: (file) => `new_${file}`,
  open: async (archive, refusals) => {
    const content = await readZip(await openParts(archive), archive.path, ZIP_LIMITS);
    if (content.refusals.length > 0) {
      refusals.push(...content.refusals);
      return undefined;
    }
    const members: Member[] = [];
    for (const file of content.files) {
      const member = await openMember(file, archive);
      if (member) members.push(member);
    }
    return members;
  },
};

async function openMember(entry: LazyFile, archive: LazyFile): Promise<Member | undefined> {
  const { extension } = nameParts(entry.path);
  if (extension !== 'npy') return undefined;
  const file = { ...entry, path: `${archive.path}/${entry.path}` };
  const parts = await openParts(file);
  const head = await parts.read(0, Math.min(parts.size, MOST_NPY_HEAD));
  if (!isNpy(head)) return undefined;
  const name = entry.path.replace(/\.npy$/i, '');
  return { ...readNpyHeader(head, file.path), name, code: `a["${name}"]`, file };
}
