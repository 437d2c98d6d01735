import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { toFailureRecord } from '../config/failure.ts';
import { plural } from '../config/words.ts';
import { type FoundProject, projectInZip } from '../data/project/project-files.ts';
import { bytesOfFiles, incomingDataset } from '../data/project/project-parts.ts';
import { fileSource } from './input-files.ts';
import { printRemarks, type Remark, writeRemarks } from './remarks.ts';
import { printResult } from './report.ts';

/** What `inspect --json` prints of a project. */
export interface ProjectReport {
  /** The version of the studio that wrote it. */
  readonly studio: string;
  readonly created: number;
  readonly datasets: readonly {
    readonly name: string;
    readonly images: number;
    readonly done: number;
    readonly inWork: number;
    readonly objects: number;
    readonly bytes: number;
  }[];
  readonly runs: readonly {
    readonly name: string;
    readonly model: string;
    readonly hasCheckpoint: boolean;
    readonly bytes: number;
  }[];
  readonly remarks: readonly Remark[];
}

/** The project in a zip; null where it is none. @throws Failure `project/…`. */
export async function openProject(path: string): Promise<FoundProject | null> {
  return projectInZip(fileSource(path, (await stat(path)).size, path), basename(path));
}

/**
 * `mopeft inspect` of a project: what it holds. 0 when all of it can be added, else 1.
 * @param csv a file for its remarks.
 */
export async function inspectProject(
  project: FoundProject,
  asJson: boolean,
  csv: string | undefined,
): Promise<number> {
  const report = await reportOf(project);
  const status = await printResult(report, { asJson, print, after: () => writeRemarks(csv, report.remarks) });
  return report.remarks.length > 0 ? 1 : status;
}

async function reportOf({ manifest, folders, refusals }: FoundProject): Promise<ProjectReport> {
  const remarks = refusals.map(
    ({ code, file, reason, cure }): Remark => ({ code, severity: 'refused', file, what: reason, cure }),
  );
  const datasets: ProjectReport['datasets'][number][] = [];
  for (const { id, name } of manifest.datasets) {
    try {
      const folder = `datasets/${id}`;
      const incoming = await incomingDataset(folders.get(folder) ?? new Map(), folder);
      const { files, samples, summary } = incoming.manifest;
      const has = (wanted: string) =>
        files.filter(({ labelled }, i) => {
          const status = labelled?.status ?? (samples[i]?.maskKind ? 'done' : 'unlabelled');
          return status === wanted;
        }).length;
      datasets.push({
        name: incoming.manifest.name,
        images: summary.images,
        done: has('done'),
        inWork: has('in-work'),
        objects: summary.objects,
        bytes: bytesOfFiles(incoming.files),
      });
    } catch (error) {
      const { code, what, where = name, cure } = toFailureRecord(error);
      remarks.push({ code, severity: 'refused', file: where, what, cure });
    }
  }
  const nameOf = (hash: string) => manifest.models.find((model) => model.hash === hash)?.name ?? hash;
  const runs = manifest.runs.map(({ id, name, model, hasCheckpoint }) => ({
    name,
    model: nameOf(model),
    hasCheckpoint,
    bytes: bytesOfFiles(folders.get(`runs/${id}`) ?? new Map()),
  }));
  return { studio: manifest.studio, created: manifest.created, datasets, runs, remarks };
}

function print({ studio, created, datasets, runs, remarks }: ProjectReport): void {
  const written = new Date(created).toISOString().slice(0, 16).replace('T', ' ');
  console.log(`A project of the studio ${studio}, written ${written} (UTC). Drop it on the studio's page.`);
  for (const { name, images, done, inWork, objects, bytes } of datasets)
    console.log(
      `  dataset ${name}: ${plural(images, 'image')}, ${done} done, ${inWork} in work, ${plural(objects, 'object')}, ${mebibytes(bytes)}`,
    );
  for (const { name, model, hasCheckpoint, bytes } of runs)
    console.log(
      `  run ${name}: of the model ${model}, ${hasCheckpoint ? 'with' : 'without'} a checkpoint, ${mebibytes(bytes)}`,
    );
  printRemarks(remarks);
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
