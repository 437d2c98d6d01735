/** A project that was dropped and waits to be added. */
import { create } from 'zustand';
import { plural } from '../../config/words.ts';
import type { AddedProject, DroppedFile, ProjectPreview } from '../../worker/protocol.ts';
import { showImport, whileImporting } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { projectTurns } from './import-turns.ts';
import { announce, notifySuccess } from './notices.ts';
import { openPage } from './page.ts';
import { addRun } from './runs.ts';

/** The file that makes a folder a project. */
const DESCRIPTION = /(^|\/)mopeft-project\.json$/;

export const useProject = create<{ readonly preview: ProjectPreview | null }>()(() => ({ preview: null }));

/**
 * Shows the projects among dropped files, one after the other.
 * @returns the files that are no project, and none where they were taken back while they waited.
 */
export async function takeProject(files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  let left = files;
  for (const candidate of candidates(files)) {
    const name = candidate[0]?.path.split('/')[0] ?? '';
    if (!(await projectTurns.take(name))) return [];
    const result = await whileImporting(name, `Looking at ${name}`, (options) =>
      callEngine('project.look', { files: candidate }, options),
    );
    if (!result?.ok || !result.value) projectTurns.end();
    if (!result) return [];
    if (result.ok && result.value === null) continue;
    left = left.filter((file) => !candidate.includes(file));
    if (result.ok && result.value) show(result.value);
  }
  return left;
}

function show(preview: ProjectPreview): void {
  useProject.setState({ preview });
  openPage('data');
  announce(
    `A project with ${plural(preview.items.length, 'dataset or run', 'datasets and runs')} was dropped.`,
  );
}

/** Zips one by one, the folder of a description, or else the folders of runs together. */
function candidates(files: readonly DroppedFile[]): (readonly DroppedFile[])[] {
  const description = files.find(({ path }) => DESCRIPTION.test(path));
  const folders = description ? [description.path.replace(DESCRIPTION, '$1')] : runFolders(files);
  const isInside = ({ path }: DroppedFile) => folders.some((folder) => path.startsWith(folder));
  const loose = files.filter(isInside);
  const zips = files.filter((file) => /\.zip$/i.test(file.path) && !isInside(file));
  return [...(loose.length > 0 ? [loose] : []), ...zips.map((zip) => [zip])];
}

/** Folders with what every run writes. */
function runFolders(files: readonly DroppedFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  return [...paths].flatMap((path) => {
    const folder = /^(.*\/)metrics\.jsonl$/.exec(path)?.[1];
    const isRun = folder && paths.has(`${folder}config.json`) && paths.has(`${folder}split.json`);
    return isRun ? [folder] : [];
  });
}

/** Adds the project that is shown, once no other import runs; what is here already stays as it is. */
export async function addProject(): Promise<void> {
  const { preview } = useProject.getState();
  if (!preview) return;
  useProject.setState({ preview: null });
  const result = await whileImporting(projectTurns.name, 'Adding the project', (options) =>
    callEngine('project.add', { lookId: preview.lookId }, options),
  );
  if (result?.ok) showAdded(preview, result.value);
  projectTurns.end();
}

function showAdded(preview: ProjectPreview, added: AddedProject): void {
  const { datasets, runs, refusals } = added;
  for (const run of runs) addRun(run);
  showImport({ datasets, refusals: [...preview.refusals, ...refusals] });
  notifySuccess(`${plural(datasets.length, 'dataset')} and ${plural(runs.length, 'run')} were added.`);
}

/** Forgets the project; nothing of it was stored. */
export function leaveProject(): void {
  if (!useProject.getState().preview) return;
  useProject.setState({ preview: null });
  projectTurns.end();
}
