import type { OutputFile } from '../../worker/protocol.ts';

/** Downloads a file that was made in this page; nothing is sent anywhere. */
export function saveFile(file: OutputFile): void {
  const url = URL.createObjectURL(new Blob([file.bytes], { type: file.mime }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  // A download that has started keeps the data itself; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
