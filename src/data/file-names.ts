/** A path taken apart. */
export interface NameParts {
  /** As given, with `/` between folders and without a leading `./` or `/`. */
  readonly path: string;
  readonly folders: readonly string[];
  /** Last part with its extension. */
  readonly file: string;
  /** Last part without its extension. */
  readonly stem: string;
  /** Lower case, without dot; empty when there is none. */
  readonly extension: string;
}

/** Takes a path apart; `\` counts as `/`. */
export function nameParts(path: string): NameParts {
  const folders = path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  const file = folders.pop() ?? '';
  // The extension of a packed NIfTI file has two parts.
  const dot = /.\.nii\.gz$/i.test(file) ? file.length - 7 : file.lastIndexOf('.');
  const hasExtension = dot > 0 && dot < file.length - 1;
  return {
    path: [...folders, file].join('/'),
    folders,
    file,
    stem: hasExtension ? file.slice(0, dot) : file,
    extension: hasExtension ? file.slice(dot + 1).toLowerCase() : '',
  };
}

/** A path without its last extension. */
export const withoutExtension = (path: string): string => path.replace(/\.[^./]*$/, '');

/** Files that systems leave in folders and zips and that nobody means to drop: they are passed over without a word. */
export function isJunk({ folders, file }: NameParts): boolean {
  if (file === '' || file.startsWith('.')) return true;
  if (folders.some((folder) => folder === '__MACOSX' || folder.startsWith('.'))) return true;
  return ['thumbs.db', 'desktop.ini'].includes(file.toLowerCase());
}

/**
 * What programs keep beside images and shapes: where on the earth these lie, smaller copies, columns of a table, and what was
 * looked up of labels.
 */
const KEPT_BESIDE = /\.(tfw|tifw|jgw|jpgw|pgw|pngw|wld|ovr|aux\.xml|prj|shx|dbf|cpg|qmd|cache)$/i;

/** What comes with a set to be read by people (`README`, `LICENSE.txt`, `README.roboflow.txt`, `SOURCE.md`) or by programs. */
export const isNote = ({ file, extension }: NameParts): boolean =>
  KEPT_BESIDE.test(file) ||
  /^(md|rst|cff|bib)$/.test(extension) ||
  (/^(read[ _-]?me|licen[cs]e|copying|attribution|notice|changelog|citation|authors)([ ._-]|$)/i.test(file) &&
    /^(|txt|html?|rtf|pdf|docx?)$/.test(extension));

/** Extensions of images, those included that are then refused with their cure when they are opened. */
const IMAGE_EXTENSIONS = new Set(
  'png apng jpg jpeg jpe jfif tif tiff webp gif bmp dib ppm pgm pnm pbm heic heif avif jp2 jxl nii nii.gz dcm dicom'.split(
    ' ',
  ),
);

/** Whether a file is one of an array, which may hold images or masks. */
export const isArrayName = ({ extension }: Pick<NameParts, 'extension'>) => extension === 'npy';

/** Whether a name says image; what a file really holds is found out when it is decoded. */
export const isImageName = (parts: Pick<NameParts, 'extension'>) =>
  IMAGE_EXTENSIONS.has(parts.extension) || isArrayName(parts);

export const isZipName = ({ extension }: NameParts) => extension === 'zip';

/** The same for names that are one file where case and the form of accents do not count (Windows, macOS). */
export const asFileName = (name: string): string => name.normalize('NFC').toLowerCase();
