/** `run.json`: what is kept of a run besides its files, by which the studio knows it. */
import * as v from 'valibot';
import type { RunFiles } from './run-files.ts';
import type { RunRecord, RunStatus } from './run-types.ts';
import { VerdictSchema } from './verdict-file.ts';

/** The file of a run's record. */
export const RECORD = 'run.json';

const value = v.union([v.number(), v.string(), v.boolean()]);
const nullableNumber = v.nullable(v.number());
/** What is kept of a failure. */
export const FailureSchema = v.object({
  code: v.string(),
  what: v.string(),
  where: v.exactOptional(v.string()),
  cure: v.string(),
});
const ScaleSchema = v.union([v.literal('whole'), v.pipe(v.number(), v.integer(), v.minValue(1))]);
/** Settings as a person chose them. */
export const SettingsSchema = v.object({
  name: v.string(),
  datasetIds: v.array(v.string()),
  methods: v.array(v.string()),
  trainDecoder: v.boolean(),
  gate: v.string(),
  scale: v.exactOptional(ScaleSchema),
  after: v.exactOptional(v.string()),
  values: v.record(v.string(), value),
});
const SizeSchema = v.object({
  modules: v.number(),
  numbers: v.number(),
  bytes: v.number(),
  dispatches: v.number(),
});
const RecordSchema = v.object({
  id: v.string(),
  name: v.string(),
  status: v.picklist([
    'running',
    'pausing',
    'stopping',
    'paused',
    'interrupted',
    'stopped',
    'finished',
    'failed',
    'imported',
  ]),
  step: v.number(),
  steps: v.number(),
  settings: SettingsSchema,
  datasets: v.array(v.object({ id: v.string(), name: v.string() })),
  /** Records of before have none: their models saw whole images. */
  scale: v.optional(v.nullable(ScaleSchema), 'whole'),
  modelName: v.string(),
  modelHash: v.string(),
  created: v.number(),
  updated: v.number(),
  bestStep: nullableNumber,
  bestScore: nullableNumber,
  secondsPerStep: nullableNumber,
  checkpointStep: nullableNumber,
  failure: v.nullable(FailureSchema),
  verdict: v.nullable(VerdictSchema),
  understood: v.exactOptional(v.array(v.string())),
  trainableCount: v.exactOptional(v.number()),
  note: v.exactOptional(v.string()),
  pruned: v.exactOptional(
    v.object({ from: v.string(), name: v.string(), before: SizeSchema, after: SizeSchema }),
  ),
});

/** The record among a run's files, not under way. @throws Failure `run/damaged`, `storage/…`. */
export async function readRecord(files: RunFiles): Promise<RunRecord> {
  const record = await files.readJson(RECORD, RecordSchema);
  return isUnderWay(record.status) ? { ...record, status: 'interrupted' } : record;
}

/** Whether a run takes steps, or is about to leave off. */
export function isUnderWay(status: RunStatus): boolean {
  return status === 'running' || status === 'pausing' || status === 'stopping';
}
