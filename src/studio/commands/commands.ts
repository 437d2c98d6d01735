/** What the command palette offers: places, actions, datasets, images and runs. */

import { plural } from '../../config/words.ts';
import { SEGMENT_KEYS } from '../features/segment/keys.ts';
import { addDemo, useDatasets } from '../stores/datasets.ts';
import { findAll } from '../stores/find.ts';
import { labelDataset } from '../stores/label-queue.ts';
import { openPage, PAGE_LABELS, PAGES, usePage } from '../stores/page.ts';
import { STATUS_LABELS } from '../stores/run-status.ts';
import { compareRuns, pauseRun, selectActiveRun, showRun, useRuns } from '../stores/runs.ts';
import { useSegment } from '../stores/segment.ts';
import { selectCanCompute, useSession } from '../stores/session.ts';
import { chooseTheme, THEMES, useTheme } from '../stores/theme.ts';

export interface Command {
  /** Its own among all that are offered at once. */
  readonly id: string;
  readonly label: string;
  /** Beside the label: its keys, or which of several it is. */
  readonly note?: string;
  run(): void;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** What can be done now, without images, which are found by their names only. */
export function commandGroups(showKeys: () => void): readonly CommandGroup[] {
  const groups = [
    { title: 'Go to', commands: places() },
    {
      title: 'Do',
      commands: [...actions(), { id: 'keys', label: 'Keyboard shortcuts', note: '?', run: showKeys }],
    },
    { title: 'In Segment', commands: segmentCommands() },
    { title: 'Label a dataset', commands: datasetCommands() },
    { title: 'Runs', commands: runCommands() },
    { title: 'Theme', commands: themes() },
  ];
  return groups.filter(({ commands }) => commands.length > 0);
}

/** The images of all datasets whose names are known; opened in Segment. */
export function imageCommands(): readonly Command[] {
  const { datasets, samples } = useDatasets.getState();
  return datasets.flatMap(({ id, name }) =>
    (samples[id] ?? []).map((sample) => ({
      id: `image ${id} ${sample.id}`,
      label: sample.name,
      note: name,
      run: () => void labelDataset(id, sample.id),
    })),
  );
}

/** Those whose label or note has every word of the query, in any order; those that begin with it come first. */
export function matching(commands: readonly Command[], query: string): readonly Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = commands.filter(({ label, note }) => {
    const text = `${label} ${note ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const isFirst = ({ label }: Command): boolean => label.toLowerCase().startsWith(words[0] ?? '');
  return [...found.filter(isFirst), ...found.filter((command) => !isFirst(command))];
}

function places(): readonly Command[] {
  return PAGES.map((page, index) => ({
    id: `page ${page}`,
    label: PAGE_LABELS[page],
    note: `Alt + ${index + 1}`,
    run: () => openPage(page),
  }));
}

function actions(): readonly Command[] {
  const { datasets } = useDatasets.getState();
  const runs = useRuns.getState();
  const active = selectActiveRun(runs);
  const canFind = selectCanCompute(useSession.getState()) && useSegment.getState().image !== null;
  return [
    ...(datasets.length === 0 ? [at('data', 'Try the demo', () => void addDemo('domains'))] : []),
    { id: 'page first', label: PAGE_LABELS.first, run: () => openPage('first') },
    at('train', 'New run', () => showRun(null)),
    ...(runs.runs.length > 1 ? [at('train', 'Compare runs', compareRuns)] : []),
    ...(active ? [at('train', `Pause ${active.name}`, () => void pauseRun(active.id))] : []),
    ...(canFind ? [at('segment', 'Find all objects in the open image', () => void findAll())] : []),
  ];
}

function segmentCommands(): readonly Command[] {
  if (usePage.getState().page !== 'segment' || !useSegment.getState().image) return [];
  return SEGMENT_KEYS.flatMap(({ bindings }) => bindings).flatMap((binding) =>
    binding.command === undefined
      ? []
      : [
          {
            id: `segment ${binding.command}`,
            label: binding.command,
            ...(binding.list[0] ? { note: binding.list[0][0] } : {}),
            run: binding.run,
          },
        ],
  );
}

function datasetCommands(): readonly Command[] {
  return useDatasets.getState().datasets.map(({ id, name, imageCount }) => ({
    id: `dataset ${id}`,
    label: name,
    note: plural(imageCount, 'image'),
    run: () => void labelDataset(id),
  }));
}

function runCommands(): readonly Command[] {
  return useRuns.getState().runs.map(({ id, name, status }) => ({
    ...at('train', name, () => showRun(id)),
    id: `run ${id}`,
    note: STATUS_LABELS[status],
  }));
}

function themes(): readonly Command[] {
  const current = useTheme.getState().theme;
  return THEMES.filter((theme) => theme !== current).map((theme) => ({
    id: `theme ${theme}`,
    label: `Theme: ${theme}`,
    run: () => chooseTheme(theme),
  }));
}

/** An action that is seen on a page. */
function at(page: (typeof PAGES)[number], label: string, run: () => void): Command {
  return {
    id: label,
    label,
    run: () => {
      openPage(page);
      run();
    },
  };
}
