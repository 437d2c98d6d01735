/** The formats of files of several arrays, by their extensions. */
import { type NameParts, nameParts } from '../file-names.ts';
import { mat } from './mat.ts';
import type { ArchiveFormat } from './members.ts';
import { npz } from './npz.ts';

const FORMATS: Readonly<Record<string, ArchiveFormat>> = { npz, mat };

/** The format of a file by its name. */
export const formatOf = (path: string) => FORMATS[nameParts(path).extension] ?? npz;

/** Whether a file is one of several arrays by its name. */
export const isArchiveName = ({ extension }: NameParts) => Object.hasOwn(FORMATS, extension);
