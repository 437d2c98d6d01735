/** Files with paths, from a drop or a file input. */
import type { DroppedFile } from '../../worker/protocol.ts';

/** Reads a drop, with the contents of folders. Call it inside the event: its items are gone afterwards. */
export function collectDroppedFiles(transfer: DataTransfer): Promise<readonly DroppedFile[]> {
  // All entries must be read before the first await.
  const entries = [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  if (entries.every((entry) => entry === null)) return Promise.resolve(plain.map(withPath));
  return walkAll(entries.filter((entry) => entry !== null));
}

/** Reads a file input; a chosen folder gives paths relative to it. */
export function collectInputFiles(files: FileList): readonly DroppedFile[] {
  return [...files].map(withPath);
}

function withPath(file: File): DroppedFile {
  return { path: file.webkitRelativePath || file.name, file };
}

async function walkAll(entries: readonly FileSystemEntry[]): Promise<DroppedFile[]> {
  const found: DroppedFile[] = [];
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
    if (isFile(entry)) found.push({ path: entry.fullPath.replace(/^\//, ''), file: await fileOf(entry) });
    else if (isDirectory(entry)) waiting.push(...(await childrenOf(entry)));
  }
  return found;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** `readEntries` gives at most a hundred at a time, and an empty list at the end. */
async function childrenOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return children;
    children.push(...batch);
  }
}
