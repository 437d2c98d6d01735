/** What each object of the test images scored in a run, so that runs are compared object by object. */
import * as v from 'valibot';
import type { SetScores } from '../../train/evaluate.ts';
import { RUN_FILES, type RunFiles } from './run-files.ts';
import { compareRuns, type ImageIous } from './verdict.ts';
import type { Comparison } from './verdict-file.ts';

/** IoUs by dataset key, then by image. */
export type TestIous = Readonly<Record<string, Readonly<Record<string, ImageIous>>>>;

const ious = v.array(v.number());
const Schema = v.record(v.string(), v.record(v.string(), v.object({ box: ious, click: ious })));

export async function writeTestIous(files: RunFiles, tested: readonly SetScores[]): Promise<void> {
  const content: TestIous = Object.fromEntries(
    tested.map(({ key, images }) => [
      key,
      Object.fromEntries(
        images.map(({ name, objects }) => [
          name,
          { box: objects.map(({ boxIou }) => boxIou), click: objects.map(({ clickIou }) => clickIou) },
        ]),
      ),
    ]),
  );
  await files.writeText(RUN_FILES.testIous, JSON.stringify(content));
}

/** Null for a run of before they were kept, or one whose file cannot be read. */
export async function readTestIous(files: RunFiles): Promise<TestIous | null> {
  if (!(await files.store.exists(files.path(RUN_FILES.testIous)))) return null;
  return files.readJson(RUN_FILES.testIous, Schema).catch(() => null);
}

/**
 * One run (`tuned`) against another, on the test images of both. Images whose number of objects differs were labelled anew in
 * between, and count for nothing.
 * @returns null without an object that both were tested on.
 */
export function compareTested(name: string, base: TestIous, tuned: TestIous): Comparison | null {
  const pairs = Object.entries(tuned).map(([key, images]) => ({
    id: key,
    name: key,
    images: Object.entries(images).flatMap(([image, own]) => {
      const other = base[key]?.[image];
      return other?.box.length === own.box.length ? [{ name: image, base: other, tuned: own }] : [];
    }),
  }));
  return compareRuns(name, pairs);
}
