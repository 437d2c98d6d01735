/** Hands files to the person. */
import type { OutputFile } from '../../worker/protocol.ts';

/** Starts a download of a file made in this page; nothing is sent anywhere. */
export function saveFile(file: OutputFile): void {
  const url = URL.createObjectURL(new Blob([file.bytes], { type: file.mime }));
  const link = document.createElement('a');
  link.href = url;
  link.download = file.name;
  link.click();
  // The download has its own hold on the data once it has started; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
