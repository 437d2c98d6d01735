/** The runs on this device: a record for each, its files beside it, and which of them is under way. */
import * as v from 'valibot';
import type { FileStore } from '../../data/file-store.ts';
import { RunFiles } from '../../engine/run/run-files.ts';
import type { RunProgress } from '../../engine/run/run-types.ts';
import type { RunInfo, RunStatus, TrainSettings, Verdict } from '../protocol.ts';

const FOLDER = 'runs';
const RECORD = 'run.json';

const value = v.union([v.number(), v.string(), v.boolean()]);
const nullableNumber = v.nullable(v.number());
const FailureSchema = v.object({
  code: v.string(),
  what: v.string(),
  where: v.optional(v.string()),
  cure: v.string(),
});
const MeasureSchema = v.object({
  base: v.number(),
  tuned: v.number(),
  gainLow: v.number(),
  gainHigh: v.number(),
  n: v.number(),
  images: v.number(),
});
const RecordSchema = v.object({
  id: v.string(),
  name: v.string(),
  status: v.picklist([
    'running',
    'pausing',
    'paused',
    'interrupted',
    'stopped',
    'finished',
    'failed',
    'imported',
  ]),
  step: v.number(),
  steps: v.number(),
  settings: v.object({
    name: v.string(),
    datasetIds: v.array(v.string()),
    methods: v.array(v.string()),
    trainDecoder: v.boolean(),
    gate: v.picklist(['unipelt', 'mass', 'none']),
    values: v.record(v.string(), value),
  }),
  datasets: v.array(v.object({ id: v.string(), name: v.string() })),
  modelName: v.string(),
  modelHash: v.string(),
  created: v.number(),
  updated: v.number(),
  bestStep: nullableNumber,
  bestScore: nullableNumber,
  secondsPerStep: nullableNumber,
  checkpointStep: nullableNumber,
  failure: v.nullable(FailureSchema),
  verdict: v.nullable(
    v.object({
      box: MeasureSchema,
      click: MeasureSchema,
      perDataset: v.array(
        v.object({ datasetId: v.string(), name: v.string(), box: MeasureSchema, click: MeasureSchema }),
      ),
      sentence: v.string(),
      suggestion: v.string(),
    }),
  ),
});

/** What is kept of a run besides its files. */
export interface RunRecord extends RunProgress {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly settings: TrainSettings;
  readonly datasets: RunInfo['datasets'];
  readonly modelName: string;
  readonly modelHash: string;
  readonly created: number;
  readonly updated: number;
  readonly failure: RunInfo['failure'];
  readonly verdict: Verdict | null;
}

/**
 * Reads and writes records; a record whose run is under way is kept in memory too, and written when it matters. So is one
 * that could not be written.
 */
export class RunRepository {
  private readonly held = new Map<string, RunRecord>();

  constructor(private readonly store: FileStore) {}

  filesOf(id: string): RunFiles {
    return new RunFiles(this.store, `${FOLDER}/${id}`);
  }

  /** All records; what says `running` and is not under way here was interrupted. Folders without a record are left out. */
  async list(): Promise<RunRecord[]> {
    const records: RunRecord[] = [];
    for (const { name, kind } of await this.store.list(FOLDER)) {
      const record = kind === 'folder' ? await this.find(name) : null;
      if (record) records.push(record);
    }
    return records.sort((a, b) => b.created - a.created);
  }

  /** A record, or null when there is none that can be read. */
  async find(id: string): Promise<RunRecord | null> {
    const held = this.held.get(id);
    if (held) return held;
    const files = this.filesOf(id);
    if (!(await this.store.exists(files.path(RECORD)))) return null;
    let record: v.InferOutput<typeof RecordSchema>;
    try {
      record = await files.readJson(RECORD, RecordSchema);
    } catch {
      return null;
    }
    const interrupted = isUnderWay(record.status);
    const { failure, ...rest } = record;
    return {
      ...rest,
      status: interrupted ? 'interrupted' : record.status,
      failure: failure && {
        code: failure.code,
        what: failure.what,
        cure: failure.cure,
        ...(failure.where !== undefined && { where: failure.where }),
      },
    };
  }

  /** Writes a record. While the run is under way its record is also held here. */
  async save(record: RunRecord): Promise<RunRecord> {
    this.hold(record);
    await this.filesOf(record.id).writeText(RECORD, `${JSON.stringify(record, null, 2)}\n`);
    if (!isUnderWay(record.status)) this.held.delete(record.id);
    return record;
  }

  /** Keeps a record in memory, where it counts more than what is written. */
  hold(record: RunRecord): RunRecord {
    this.held.set(record.id, record);
    return record;
  }

  /** The record of a run that is under way here, as it says by now; null when it is not. */
  underWay(id: string): RunRecord | null {
    const record = this.held.get(id);
    return record && isUnderWay(record.status) ? record : null;
  }

  /** Notes progress of a run under way without writing it; null when it is under way no more. */
  note(id: string, progress: Partial<RunRecord>): RunRecord | null {
    const record = this.underWay(id);
    return record && this.hold({ ...record, ...progress });
  }

  async delete(id: string): Promise<void> {
    this.held.delete(id);
    await this.store.remove(`${FOLDER}/${id}`);
  }

  /** Bytes on storage. */
  bytesOf(id: string): Promise<number> {
    return this.store.size(`${FOLDER}/${id}`);
  }
}

function isUnderWay(status: RunStatus): boolean {
  return status === 'running' || status === 'pausing';
}

/** A record as the page sees it. @param modelHash of the open model. */
export function runInfo(record: RunRecord, bytes: number, modelHash: string | null): RunInfo {
  return { ...record, bytes, fitsModel: record.modelHash === modelHash };
}

export function newRunId(now: number): string {
  const random = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  return `${new Date(now).toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')}-${random.join('')}`;
}
