/** A project that was dropped and waits to be added. */
import { create } from 'zustand';
import { plural } from '../../config/words.ts';
import type { DroppedFile, ProjectPreview } from '../../worker/protocol.ts';
import { showImport, whileImporting } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { openPage } from './page.ts';
import { addRun } from './runs.ts';

/** The file that makes a folder a project. */
const DESCRIPTION = /(^|\/)mopeft-project\.json$/;

export const useProject = create<{ readonly preview: ProjectPreview | null }>()(() => ({ preview: null }));

/**
 * Shows the project among dropped files, if there is one.
 * @returns the files that are no project, and none while another import is running.
 */
export async function takeProject(files: readonly DroppedFile[]): Promise<readonly DroppedFile[]> {
  let left = files;
  let found: ProjectPreview | null = null;
  for (const candidate of candidates(files)) {
    const [first] = candidate;
    const result = await whileImporting(`Looking at ${first?.path ?? ''}`, (options) =>
      callEngine('project.look', { files: candidate }, options),
    );
    if (!result) return [];
    if (result.ok && result.value === null) continue;
    left = left.filter((file) => !candidate.includes(file));
    if (!result.ok) continue;
    if (found) notifyFailure(ONE_AT_A_TIME);
    found ??= result.value;
  }
  if (found) {
    useProject.setState({ preview: found });
    openPage('data');
    announce(
      `A project with ${plural(found.items.length, 'dataset or run', 'datasets and runs')} was dropped.`,
    );
  }
  return left;
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

const ONE_AT_A_TIME = {
  code: 'project/one-at-a-time',
  what: 'Several projects were dropped; the first is shown.',
  cure: 'Drop the others when it is added.',
} as const;

/** Adds the project that is shown, unless another import runs; what is here already stays as it is. */
export async function addProject(): Promise<void> {
  const { preview } = useProject.getState();
  if (!preview) return;
  const result = await whileImporting('Adding the project', (options) => {
    useProject.setState({ preview: null });
    return callEngine('project.add', { lookId: preview.lookId }, options);
  });
  if (!result?.ok) return;
  const { datasets, runs, refusals } = result.value;
  for (const run of runs) addRun(run);
  showImport({ datasets, refusals: [...preview.refusals, ...refusals] });
  notifySuccess(`${plural(datasets.length, 'dataset')} and ${plural(runs.length, 'run')} were added.`);
}

/** Forgets the project; nothing of it was stored. */
export function leaveProject(): void {
  useProject.setState({ preview: null });
}
