/** Projects: datasets with their labels, and runs, out as one zip and in again beside what is here. */
import { Failure, type FailureRecord, toFailureRecord } from '../../config/failure.ts';
import { type LazyFile, readBytes } from '../../data/lazy-file.ts';
import { valueOrThrow } from '../../data/outcome.ts';
import { type FoundProject, projectAmong, projectInZip } from '../../data/project/project-files.ts';
import { bytesOfFiles, bytesOfPart, datasetPart } from '../../data/project/project-parts.ts';
import { zipStream } from '../../data/zip.ts';
import { runPart } from '../../engine/project/run-part.ts';
import { type ProjectItems, prepareProject } from '../../engine/project/write-project.ts';
import { isUnderWay } from '../../engine/run/run-record.ts';
import { blobSource } from '../../sam/checkpoint/byte-source.ts';
import type { EngineState } from '../engine-state.ts';
import { inputFile } from '../input-file.ts';
import type {
  AddedProject,
  DatasetInfo,
  DroppedFile,
  ProjectItemInfo,
  ProjectParts,
  ProjectPreview,
  ProjectRequest,
  RunInfo,
} from '../protocol.ts';
import { failureOf } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { CallContext } from '../serve.ts';
import { datasetLocks, runLocks } from '../tab-locks.ts';
import { withIds } from './project-ids.ts';
import { type Planned, ProjectPlan, WHOLE } from './project-plan.ts';
import { runFoldersAmong } from './run-folders.ts';

type Call = Pick<CallContext, 'signal' | 'progress'>;

interface Looked {
  readonly id: string;
  readonly items: readonly Planned[];
}

export class ProjectService {
  private readonly plan: ProjectPlan;
  private looked: Looked | null = null;
  private count = 0;

  /** @param spareBytes what storage has left; null where that is not known. */
  constructor(
    private readonly state: Pick<EngineState, 'store' | 'datasets' | 'model'>,
    private readonly training: Pick<TrainingService, 'repository' | 'list' | 'info'>,
    private readonly spareBytes: () => Promise<number | null> = async () => null,
  ) {
    this.plan = new ProjectPlan(state, training.repository);
  }

  async parts(): Promise<ProjectParts> {
    const { store } = this.state;
    const datasets = await Promise.all(
      (await this.state.datasets.list()).map(async ({ id }) => ({
        id,
        bytes: bytesOfPart(await datasetPart(store, id)),
      })),
    );
    const runs = await Promise.all(
      (await this.training.list()).filter(isAtRest).map(async ({ id }) => {
        const part = await runPart(store, id, false);
        return { id, bytes: bytesOfPart(part), checkpointBytes: part.checkpointBytes };
      }),
    );
    return { datasets, runs };
  }

  /**
   * Writes a project: each file is read, written and let go before the next.
   * @throws Failure `project/nothing`, `project/under-way`, `project/changed`, `data/…`, `run/…`, `storage/…`.
   */
  async write(
    { datasetIds, runIds, withCheckpoints, to }: ProjectRequest,
    { signal, progress }: Call,
  ): Promise<{ readonly file: Blob | null; readonly bytes: number }> {
    if (datasetIds.length + runIds.length === 0) throw NOTHING;
    const { store } = this.state;
    const datasets: ProjectItems['datasets'] = [];
    for (const id of datasetIds) datasets.push({ id, name: (await this.state.datasets.info(id)).name });
    const runs = (await this.training.list()).filter(({ id }) => runIds.includes(id));
    for (const run of runs) if (!isAtRest(run)) throw underWay(run.name);
    const project = await prepareProject(store, { datasets, runs, withCheckpoints }, Date.now());
    const { bytes: total } = project;
    const files = project.files((done, path) => {
      signal.throwIfAborted();
      progress({ done, total, label: `Writing ${path.split('/').at(-1)}` });
    });
    const bytes = zipStream(files);
    if (to) {
      await bytes.pipeTo(await to.createWritable(), { signal });
      return { file: null, bytes: total };
    }
    // The browser keeps what it reads of a response where it has room, on the disk for instance.
    return { file: await new Response(bytes).blob(), bytes: total };
  }

  /** What a drop would add; null where it is no project. @throws Failure `project/damaged`, `project/newer`. */
  async look(files: readonly DroppedFile[], { signal, progress }: Call): Promise<ProjectPreview | null> {
    const found = await foundIn(files);
    if (!found) return null;
    const { manifest, folders } = found;
    const plans: Planned[] = [];
    const items: ProjectItemInfo[] = [];
    const refusals: FailureRecord[] = found.refusals.map(failureOf);
    const changes = new Map<string, string>();
    const total = manifest.datasets.length + manifest.runs.length;
    for (const kind of ['dataset', 'run'] as const) {
      for (const { id, name } of manifest[`${kind}s`]) {
        signal.throwIfAborted();
        progress({ done: items.length, total, label: `Looking at ${name}` });
        const folder = `${kind}s/${id}`;
        try {
          const own = folders.get(folder) ?? new Map<string, LazyFile>();
          const planned = await (kind === 'dataset'
            ? this.plan.dataset(id, own, plans)
            : this.plan.run(id, own, changes, plans));
          if (planned.id !== id) changes.set(id, planned.id);
          plans.push(planned);
          const { fate, addedAs } = planned;
          items.push({ kind, name, fate, addedAs, bytes: bytesOfFiles(planned.files) });
        } catch (error) {
          refusals.push({ where: name, ...toFailureRecord(error) });
          items.push({ kind, name, bytes: 0, fate: 'refused', addedAs: name });
        }
      }
    }
    const lookId = `project-${++this.count}`;
    this.looked = { id: lookId, items: plans };
    const open = this.state.model?.info.hash ?? null;
    return {
      lookId,
      created: manifest.created,
      items,
      otherModels: manifest.models.filter(({ hash }) => hash !== open),
      refusals,
    };
  }

  /** Adds what was looked at and forgets it. @throws Failure `project/no-drop`, `storage/full`. */
  async add(lookId: string, { signal, progress }: Call): Promise<AddedProject> {
    if (this.looked?.id !== lookId) throw NO_DROP;
    const items = this.looked.items.filter(({ fate }) => fate !== 'here');
    this.looked = null;
    const needed = items.reduce((sum, { files }) => sum + bytesOfFiles(files), 0);
    const spare = await this.spareBytes();
    if (spare !== null && spare < needed) throw tooLittleSpace(needed, spare);
    const datasets: DatasetInfo[] = [];
    const runs: RunInfo[] = [];
    const refusals: FailureRecord[] = [];
    const total = items.reduce((sum, { files }) => sum + files.size, 0);
    let done = 0;
    for (const item of items) {
      if (signal.aborted) break;
      try {
        const onFile = () => {
          signal.throwIfAborted();
          progress({ done: done++, total, label: `Adding ${item.addedAs}` });
        };
        const locks = item.kind === 'dataset' ? datasetLocks : runLocks;
        await locks.whileTaken(item.id, () => this.store(item, onFile));
        if (item.kind === 'dataset') {
          this.state.datasets.forget(item.id);
          datasets.push(await this.state.datasets.info(item.id));
        } else runs.push(await this.training.info(item.id));
      } catch (error) {
        if (signal.aborted && !(error instanceof Failure)) break;
        refusals.push({ where: item.name, ...toFailureRecord(error) });
      }
    }
    return { datasets, runs, refusals };
  }

  /** Writes an item's files, last the one that makes it whole. What is there of it when that fails is removed. */
  private async store(item: Planned, onFile: () => void): Promise<void> {
    const { store } = this.state;
    const folder = `${item.kind}s/${item.id}`;
    const last = WHOLE[item.kind];
    // Another tab may have added it since it was looked at.
    if (await store.exists(`${folder}/${last}`)) return;
    // What an import left that was cut off.
    await store.remove(folder);
    try {
      for (const [path, file] of item.files) {
        onFile();
        if (path === last) continue;
        const bytes = valueOrThrow(await readBytes(file));
        await store.write(`${folder}/${path}`, withIds(path, bytes, item.changes));
      }
      await store.write(`${folder}/${last}`, item.whole);
    } catch (error) {
      await store.remove(folder).catch(() => undefined);
      throw error;
    }
  }
}

/** A run that no tab is working on. */
const isAtRest = ({ status }: RunInfo): boolean => !isUnderWay(status) && status !== 'elsewhere';

/** The project that was dropped, or the run folders. */
async function foundIn(files: readonly DroppedFile[]): Promise<FoundProject | null> {
  const [only] = files;
  const written = files.reduce((latest, { file }) => Math.max(latest, file.lastModified), 0);
  if (files.length === 1 && only && /\.zip$/i.test(only.path)) {
    const name = only.path.replace(/^.*\/|\.zip$/gi, '');
    return projectInZip(blobSource(only.path, only.file), only.path, (inside) =>
      runFoldersAmong(inside, name, written),
    );
  }
  const lazy = files.map((dropped) => ({ ...inputFile(dropped), size: dropped.file.size }));
  const name = only?.path.split('/')[0] ?? '';
  return (await projectAmong(lazy, name)) ?? runFoldersAmong(lazy, name, written);
}

const NOTHING = new Failure({
  code: 'project/nothing',
  what: 'Nothing was chosen for the project.',
  cure: 'Choose a dataset or a run.',
});

const NO_DROP = new Failure({
  code: 'project/no-drop',
  what: 'This project is not at hand any more.',
  cure: 'Drop it again.',
});

const underWay = (name: string) =>
  new Failure({
    code: 'project/under-way',
    what: 'This run is under way, so its files change while they are written.',
    where: name,
    cure: 'Pause it first, or leave it out.',
  });

const tooLittleSpace = (needed: number, spare: number) =>
  new Failure({
    code: 'storage/full',
    what: `The project takes ${mebibytes(needed)} MiB, and ${mebibytes(spare)} MiB are left.`,
    cure: 'Delete datasets or runs that are no longer needed, or free space on the disk, and drop it again.',
  });

const mebibytes = (bytes: number): string => Math.ceil(bytes / 2 ** 20).toLocaleString('en');
