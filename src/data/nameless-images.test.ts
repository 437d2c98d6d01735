import { expect, it } from 'vitest';
import { nameParts } from './file-names.ts';
import { namelessImages } from './nameless-images.ts';

const dicom = new Uint8Array(140);
dicom.set([0x44, 0x49, 0x43, 0x4d], 128);
const note = new TextEncoder().encode('a note');

function file(path: string, bytes: Uint8Array) {
  return { path, size: bytes.length, bytes: () => Promise.resolve(bytes) };
}

it('finds images without an extension by what they hold, a folder at a time', async () => {
  const found = await namelessImages([
    file('scan/IM0001', dicom),
    file('scan/1.2.840.113', dicom),
    file('scan/notes.txt', dicom),
    file('scan/a.png', dicom),
    file('docs/README', note),
    file('docs/LICENSE', note),
  ]);
  expect([...found]).toEqual(['scan/IM0001', 'scan/1.2.840.113']);
});

it('opens no more than a few of a folder', async () => {
  let opened = 0;
  const many = Array.from({ length: 50 }, (_, i) => ({
    path: `docs/${i}`,
    size: 9,
    bytes: () => {
      opened++;
      return Promise.resolve(note);
    },
  }));
  expect(await namelessImages(many)).toEqual(new Set());
  expect(opened).toBe(3);
});

it('takes .nii.gz for one extension', () => {
  expect(nameParts('a/scan.v2.NII.GZ')).toMatchObject({ stem: 'scan.v2', extension: 'nii.gz' });
  expect(nameParts('.nii.gz')).toMatchObject({ stem: '.nii', extension: 'gz' });
});
