/** A project as files: written one after the other, and found again among those of a zip or a folder. */
import type { FileStore } from '../file-store.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { valueOrThrow } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { readZip, type ZipSource } from '../zip.ts';
import { damagedProject, PROJECT_FILE, type ProjectManifest, parseProject } from './project-manifest.ts';
import type { ProjectPart } from './project-parts.ts';

/** Bytes that the description of a project may have. */
const MANIFEST_BYTES = 16 * 2 ** 20;

/**
 * The files of a project, its description first, each read as it is asked for.
 * @param onFile called before each file with the bytes that were read before it.
 * @throws Failure `storage/…`, `project/changed`.
 */
export async function* projectFiles(
  store: FileStore,
  description: Uint8Array,
  parts: readonly ProjectPart[],
  onFile: (bytes: number, path: string) => void,
): AsyncGenerator<{ readonly path: string; readonly bytes: Uint8Array }> {
  yield { path: PROJECT_FILE, bytes: description };
  let done = 0;
  for (const { folder, files, expectUnchanged } of parts) {
    for (const file of files) {
      const path = `${folder}/${file.path}`;
      onFile(done, path);
      yield { path, bytes: await store.read(path) };
      done += file.size;
    }
    await expectUnchanged?.();
  }
}

/** A project that was found: its description, and its files by folder (`datasets/ID`) and path in it. */
export interface FoundProject {
  readonly manifest: ProjectManifest;
  readonly folders: ReadonlyMap<string, ReadonlyMap<string, LazyFile>>;
  /** What the zip holds and was not taken: paths that lead out of it, links … */
  readonly refusals: readonly Refusal[];
}

/**
 * The project in a zip; null where the zip holds none.
 * @param otherwise finds what else counts as a project among the files of a zip without a description.
 * @throws Failure `project/damaged`, `project/newer`.
 */
export async function projectInZip(
  zip: ZipSource,
  name: string,
  otherwise: (files: readonly LazyFile[]) => Promise<FoundProject | null> = async () => null,
): Promise<FoundProject | null> {
  const { files, refusals } = await readZip(zip, name, {
    entries: limits.projectEntries,
    entryBytes: limits.fileBytes,
    totalBytes: limits.projectBytes,
  });
  const project = (await projectAmong(files, name)) ?? (await otherwise(files));
  if (project) return { ...project, refusals: [...project.refusals, ...refusals] };
  const [refused] = refusals;
  if (files.length > 0 || !refused || !(await beginsAsProject(zip))) return null;
  throw damagedProject(name, refused.reason);
}

/** Whether a zip of which nothing else can be read begins with a project's description, as ours do. */
async function beginsAsProject(zip: ZipSource): Promise<boolean> {
  const nameAt = 30;
  const head = await zip.read(nameAt, PROJECT_FILE.length);
  return new TextDecoder('latin1').decode(head) === PROJECT_FILE;
}

/**
 * The project among files, of an unpacked zip for instance; null where there is none.
 * @param name of the zip or folder, for messages.
 * @throws Failure `project/damaged`, `project/newer`.
 */
export async function projectAmong(files: readonly LazyFile[], name: string): Promise<FoundProject | null> {
  const depth = ({ path }: LazyFile): number => path.split('/').length;
  const [description] = files
    .filter(({ path }) => path === PROJECT_FILE || path.endsWith(`/${PROJECT_FILE}`))
    .sort((a, b) => depth(a) - depth(b));
  if (!description) return null;
  const bytes = valueOrThrow(await readBytes(description, MANIFEST_BYTES));
  const manifest = parseProject(bytes, name);
  const top = description.path.slice(0, -PROJECT_FILE.length);
  const folders = new Map<string, Map<string, LazyFile>>();
  for (const file of files) {
    if (!file.path.startsWith(top)) continue;
    const [kind, id, ...inside] = file.path.slice(top.length).split('/');
    const folder = `${kind}/${id}`;
    const known = folders.get(folder) ?? new Map<string, LazyFile>();
    folders.set(folder, known.set(inside.join('/'), file));
  }
  return { manifest, folders, refusals: [] };
}
