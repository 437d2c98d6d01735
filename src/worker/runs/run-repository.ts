/** The runs on this device: a record for each, its files beside it, and which of them is under way. */
import { Failure, toFailureRecord } from '../../config/failure.ts';
import type { FileStore } from '../../data/file-store.ts';
import { RunFiles } from '../../engine/run/run-files.ts';
import { isUnderWay, RECORD, readRecord } from '../../engine/run/run-record.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import type { BrokenRun, RunInfo } from '../protocol.ts';

const FOLDER = 'runs';

/**
 * Reads and writes records; a record whose run is under way is kept in memory too, and written when it matters. So is one
 * that could not be written.
 */
export class RunRepository {
  private readonly cached = new Map<string, RunRecord>();

  constructor(private readonly store: FileStore) {}

  filesOf(id: string): RunFiles {
    return new RunFiles(this.store, `${FOLDER}/${id}`);
  }

  /** All records, newest first; what says `running` and is not under way here was interrupted. */
  async list(): Promise<RunRecord[]> {
    const records: RunRecord[] = [];
    for (const id of await this.folders()) {
      const record = await this.find(id);
      if (record) records.push(record);
    }
    return records.sort((a, b) => b.created - a.created);
  }

  /** The folders whose record cannot be read, or that have none: what an import or a deletion left that was cut off. */
  async broken(): Promise<BrokenRun[]> {
    const broken: BrokenRun[] = [];
    for (const id of await this.folders()) {
      const record = await this.read(id).catch(toFailureRecord);
      if ('code' in record)
        broken.push({ id, bytes: await this.bytesOf(id).catch(() => 0), failure: record });
    }
    return broken;
  }

  /** A record, or null when there is none that can be read. */
  find(id: string): Promise<RunRecord | null> {
    return this.read(id).catch(() => null);
  }

  private async folders(): Promise<string[]> {
    const entries = await this.store.list(FOLDER);
    return entries.flatMap(({ name, kind }) => (kind === 'folder' ? [name] : []));
  }

  /** @throws Failure `run/half-saved`, `run/damaged`, `storage/…`. */
  private async read(id: string): Promise<RunRecord> {
    const cached = this.cached.get(id);
    if (cached) return cached;
    const files = this.filesOf(id);
    if (!(await this.store.exists(files.path(RECORD)))) throw halfSaved(files.folder);
    return readRecord(files).catch((error) => {
      throw unreadable(error);
    });
  }

  /**
   * Writes a record. While the run is under way its record is also cached here. A run whose first record cannot be
   * written has not begun.
   */
  async save(record: RunRecord): Promise<RunRecord> {
    const hasBegun = this.cached.has(record.id);
    this.cache(record);
    try {
      await this.filesOf(record.id).writeText(RECORD, `${JSON.stringify(record, null, 2)}\n`);
    } catch (error) {
      if (!hasBegun) this.cached.delete(record.id);
      throw error;
    }
    if (!isUnderWay(record.status)) this.cached.delete(record.id);
    return record;
  }

  /** Keeps a record in memory, where it counts more than what is written. */
  cache(record: RunRecord): RunRecord {
    this.cached.set(record.id, record);
    return record;
  }

  /** The record of a run that is under way here, as it says by now; null when it is not. */
  underWay(id: string): RunRecord | null {
    const record = this.cached.get(id);
    return record && isUnderWay(record.status) ? record : null;
  }

  /** Updates the record of a run under way without writing it; null when it is no longer under way. */
  update(id: string, progress: Partial<RunRecord>): RunRecord | null {
    const record = this.underWay(id);
    return record && this.cache({ ...record, ...progress });
  }

  /** The record goes first: a deletion that is cut off leaves no run that looks whole. */
  async delete(id: string): Promise<void> {
    this.cached.delete(id);
    await this.store.remove(this.filesOf(id).path(RECORD));
    await this.store.remove(`${FOLDER}/${id}`);
  }

  /** Bytes on storage. */
  bytesOf(id: string): Promise<number> {
    return this.store.size(`${FOLDER}/${id}`);
  }
}

function halfSaved(folder: string): Failure {
  return new Failure({
    code: 'run/half-saved',
    what: 'This run has no record: its import or its deletion was cut off.',
    where: folder,
    cure: 'Delete it; if it was an adapter, import its files again.',
  });
}

/** A damaged record, with the cure for one that no person copied. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof Failure) || error.record.code !== 'run/damaged') return error;
  return new Failure({ ...error.record, cure: 'Delete it, and train again or import its adapter again.' });
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
