import type { OutputFile } from '../../worker/protocol.ts';

/** Downloads a file that was made in this page; nothing is sent anywhere. */
export function saveFile(file: OutputFile): void {
  saveBlob(new Blob([file.bytes], { type: file.mime }), file.name);
}

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // A download that has started keeps the data itself; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
