/** The queue of runs on storage: `run-queue.json`. */
import * as v from 'valibot';
import type { FileStore } from '../../data/file-store.ts';
import { FailureSchema, SettingsSchema } from '../../engine/run/run-record.ts';
import type { FailureRecord, TrainSettings } from '../protocol.ts';

export const QUEUE_PATH = 'run-queue.json';

const EntrySchema = v.object({
  id: v.string(),
  settings: SettingsSchema,
  modelName: v.string(),
  modelHash: v.string(),
  failure: v.exactOptional(FailureSchema),
});
const FileSchema = v.object({
  version: v.literal(1),
  current: v.nullable(v.object({ id: v.string(), entry: v.nullable(EntrySchema) })),
  waiting: v.array(EntrySchema),
});

/** A run that waits. */
export interface QueueEntry {
  /** The id of the run that it becomes. */
  readonly id: string;
  readonly settings: TrainSettings;
  readonly modelName: string;
  readonly modelHash: string;
  /** Why it could not start. */
  readonly failure?: FailureRecord;
}

export interface QueueContent {
  /** The run that the others wait for, with its entry if it came from the queue. */
  readonly current: { readonly id: string; readonly entry: QueueEntry | null } | null;
  readonly waiting: readonly QueueEntry[];
}

export const EMPTY_QUEUE: QueueContent = { current: null, waiting: [] };

/** What is stored; null for what this version cannot read. @throws Failure `storage/…`. */
export async function readQueue(store: FileStore): Promise<QueueContent | null> {
  if (!(await store.exists(QUEUE_PATH))) return EMPTY_QUEUE;
  const text = new TextDecoder().decode(await store.read(QUEUE_PATH));
  try {
    const parsed = v.safeParse(FileSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

/** @throws Failure `storage/…`. */
export async function writeQueue(store: FileStore, { current, waiting }: QueueContent): Promise<void> {
  if (!current && waiting.length === 0) return store.remove(QUEUE_PATH);
  const text = JSON.stringify({ version: 1, current, waiting }, null, 2);
  await store.write(QUEUE_PATH, new TextEncoder().encode(`${text}\n`));
}
