/** What becomes of a project's datasets and runs beside those that are here. */
import type { LazyFile } from '../../data/lazy-file.ts';
import { encodeManifest, type Manifest, parseManifest } from '../../data/manifest.ts';
import {
  DATASET_FILE,
  datasetPart,
  incomingDataset,
  type ProjectPart,
} from '../../data/project/project-parts.ts';
import { incomingRun, recordIdentity, runPart } from '../../engine/project/run-part.ts';
import { RUN_FILES } from '../../engine/run/run-files.ts';
import { RECORD, readRecord } from '../../engine/run/run-record.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { sha256 } from '../../sam/checkpoint/hash.ts';
import type { EngineState } from '../engine-state.ts';
import { freeName } from '../free-name.ts';
import type { RunRepository } from '../runs/run-repository.ts';
import { contentId, type IdChanges, withIds } from './project-ids.ts';

/** A dataset or run of a project that can be added. */
export interface Planned {
  readonly kind: 'dataset' | 'run';
  readonly name: string;
  /** The id that it gets. */
  readonly id: string;
  readonly addedAs: string;
  readonly fate: 'new' | 'here' | 'beside';
  readonly files: ReadonlyMap<string, LazyFile>;
  /** The file whose presence makes it whole, as it is written. */
  readonly whole: Uint8Array;
  /** Ids that its other files are written with. */
  readonly changes: IdChanges;
}

/** Plans items of a project one by one. */
export class ProjectPlan {
  constructor(
    private readonly state: Pick<EngineState, 'store' | 'datasets'>,
    private readonly runs: Pick<RunRepository, 'filesOf' | 'list'>,
  ) {}

  /** @param before what else of the project was planned. */
  async dataset(
    id: string,
    given: ReadonlyMap<string, LazyFile>,
    before: readonly Planned[],
  ): Promise<Planned> {
    const { manifest, files } = await incomingDataset(given, `datasets/${id}`);
    const { store, datasets } = this.state;
    const { name } = manifest;
    const settled = await this.settle('dataset', id, {
      content: () => datasetContent(readersOf(files)),
      here: async () => datasetContent(storedReaders(store, await datasetPart(store, id))),
    });
    const addedAs = nameFor('dataset', name, settled, await datasets.list(), before);
    const isChanged = settled.id !== id || addedAs !== name;
    const whole = isChanged
      ? encodeManifest({ ...namedManifest(manifest, addedAs), id: settled.id })
      : await files.get(DATASET_FILE)?.bytes();
    return {
      ...settled,
      kind: 'dataset',
      name,
      addedAs,
      files,
      whole: whole ?? NO_BYTES,
      changes: NO_CHANGES,
    };
  }

  /**
   * @param changes ids of datasets and of earlier runs of the project that were taken.
   * @param before what else of the project was planned.
   */
  async run(
    id: string,
    given: ReadonlyMap<string, LazyFile>,
    changes: IdChanges,
    before: readonly Planned[],
  ): Promise<Planned> {
    const { files, record } = await incomingRun(given, `runs/${id}`);
    const { store } = this.state;
    const { name } = record;
    // A record of another id would pass for the run that has it.
    const mine = { ...withIdsIn(record, changes), id };
    const settled = await this.settle('run', id, {
      content: () => runContent(mine, readersOf(files, changes)),
      here: async () => {
        const known = await readRecord(this.runs.filesOf(id));
        return runContent(known, storedReaders(store, await runPart(store, id, false)));
      },
    });
    const addedAs = nameFor('run', name, settled, await this.runs.list(), before);
    const all = settled.fate === 'beside' ? new Map([...changes, [id, settled.id]]) : changes;
    const whole = encode(`${JSON.stringify({ ...withIdsIn(mine, all), name: addedAs }, null, 2)}\n`);
    return { ...settled, kind: 'run', name, addedAs, files, whole, changes: all };
  }

  /** What becomes of an item, and the id that it gets. */
  private async settle(
    kind: Planned['kind'],
    id: string,
    contents: { readonly content: () => Promise<string>; readonly here: () => Promise<string> },
  ): Promise<Pick<Planned, 'id' | 'fate'>> {
    const isHere = (own: string) => this.state.store.exists(`${kind}s/${own}/${WHOLE[kind]}`);
    if (!(await isHere(id))) return { id, fate: 'new' };
    const content = await contents.content();
    // What is here and cannot be read is left to the person, who can delete it.
    if (content === (await contents.here().catch(() => null))) return { id, fate: 'here' };
    const other = await contentId(id, content);
    return { id: other, fate: (await isHere(other)) ? 'here' : 'beside' };
  }
}

/** The file whose presence makes a dataset or run whole. */
export const WHOLE = { dataset: DATASET_FILE, run: RECORD } as const;
const NO_BYTES = new Uint8Array(0);

/** A record in which other ids are named. */
const withIdsIn = (record: RunRecord, changes: IdChanges): RunRecord =>
  JSON.parse(new TextDecoder().decode(withIds(RECORD, encode(JSON.stringify(record)), changes)));

const NO_CHANGES: IdChanges = new Map();

type Readers = ReadonlyMap<string, () => Promise<Uint8Array>>;

/** What tells one content from another: every file by path and hash. */
async function contentOf(files: Readers): Promise<string> {
  const lines: string[] = [];
  for (const [path, read] of files) lines.push(`${path} ${await sha256(await read())}`);
  return lines.sort().join('\n');
}

const readersOf = (files: ReadonlyMap<string, LazyFile>, changes: IdChanges = NO_CHANGES): Readers =>
  new Map([...files].map(([path, file]) => [path, async () => withIds(path, await file.bytes(), changes)]));

const storedReaders = (store: EngineState['store'], { folder, files }: ProjectPart): Readers =>
  new Map(files.map(({ path }) => [path, () => store.read(`${folder}/${path}`)]));

/** The name that an item gets, or has where it is here already. */
function nameFor(
  kind: Planned['kind'],
  name: string,
  { id, fate }: Pick<Planned, 'id' | 'fate'>,
  here: readonly { readonly id: string; readonly name: string }[],
  before: readonly Planned[],
): string {
  if (fate === 'here') return here.find((each) => each.id === id)?.name ?? name;
  const added = before.filter((each) => each.kind === kind).map(({ addedAs }) => ({ name: addedAs }));
  return freeName(name, [...here, ...added]);
}

const namedManifest = (manifest: Manifest, name: string): Manifest => ({
  ...manifest,
  name,
  summary: { ...manifest.summary, name },
});

/** Of a dataset: its files, with a description that has no name, for under another it is the same. */
async function datasetContent(files: Readers): Promise<string> {
  const unnamed = async () => {
    const bytes = (await files.get(DATASET_FILE)?.()) ?? NO_BYTES;
    return encodeManifest(namedManifest(parseManifest(bytes, DATASET_FILE), ''));
  };
  return contentOf(new Map([...files, [DATASET_FILE, unnamed]]));
}

/** Of a run: its record, and its files but for the checkpoint, without which the same run may have come. */
async function runContent(record: RunRecord, files: Readers): Promise<string> {
  const others = [...files].filter(([path]) => path !== RECORD && path !== RUN_FILES.checkpoint);
  return contentOf(new Map([...others, [RECORD, async () => encode(recordIdentity(record))]]));
}

const encode = (text: string) => new TextEncoder().encode(text);
