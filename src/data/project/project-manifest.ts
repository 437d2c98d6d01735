/** `mopeft-project.json`: what a project's zip holds. */
import * as v from 'valibot';
import { STUDIO_VERSION } from '../../config/version.ts';
import { refuse } from '../outcome.ts';

/** The file that makes a zip or a folder a project. */
export const PROJECT_FILE = 'mopeft-project.json';
/** The version that is written. */
const PROJECT_VERSION = 1;
const FORMAT = 'mopeft-project';

/** As {@link newDatasetId} and runs have them: safe as a folder, and long enough that one names nothing else in a text. */
const id = v.pipe(v.string(), v.regex(/^[a-z0-9-]{9,120}$/));
const named = { id, name: v.string() };

const ProjectSchema = v.object({
  format: v.literal(FORMAT),
  version: v.literal(PROJECT_VERSION),
  /** The version of the studio that wrote it. */
  studio: v.string(),
  created: v.number(),
  /** Each in `datasets/ID/`, as it is stored. */
  datasets: v.array(v.object(named)),
  /** Each in `runs/ID/`, as it is stored. */
  runs: v.array(v.object({ ...named, model: v.string(), hasCheckpoint: v.boolean() })),
  /** The base models of the runs; their weights are never in a project. */
  models: v.array(v.object({ hash: v.string(), name: v.string() })),
});

export type ProjectManifest = v.InferOutput<typeof ProjectSchema>;

/** Whether a dataset or run of this id can be in a project. */
export const isProjectId = (text: string): boolean => v.is(id, text);

/** A description of these parts, by this version. @param created milliseconds since 1970. */
export function describeProject(
  parts: Omit<ProjectManifest, 'format' | 'version' | 'studio' | 'created'>,
  created: number,
): ProjectManifest {
  const about = { format: FORMAT, version: PROJECT_VERSION, studio: STUDIO_VERSION, created };
  return v.parse(ProjectSchema, { ...about, ...parts });
}

/** The bytes of the file. */
export function encodeProject(manifest: ProjectManifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`);
}

/**
 * Reads the file again.
 * @throws Failure `project/damaged`, `project/newer` naming `path`.
 */
export function parseProject(bytes: Uint8Array, path: string): ProjectManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damagedProject(path, 'its description is not valid JSON');
  }
  const about = v.safeParse(v.object({ version: v.number(), studio: v.optional(v.string()) }), json);
  if (about.success && about.output.version > PROJECT_VERSION) {
    const { version, studio = 'a newer version' } = about.output;
    throw refuse(
      'project/newer',
      path,
      `This project is of version ${version}, written by ${studio} of the studio; this is ${STUDIO_VERSION}, which reads version ${PROJECT_VERSION}.`,
      `Open it in the studio ${studio}: reload the page to get the newest version.`,
    );
  }
  const parsed = v.safeParse(ProjectSchema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw damagedProject(path, `${v.getDotPath(issue) ?? 'top'}: ${issue.message}`);
  }
  for (const kind of ['datasets', 'runs'] as const) {
    const seen = new Set<string>();
    for (const { id: own } of parsed.output[kind]) {
      if (seen.has(own)) throw damagedProject(path, `${own} is twice among its ${kind}`);
      seen.add(own);
    }
  }
  return parsed.output;
}

export function damagedProject(path: string, detail: string) {
  return refuse(
    'project/damaged',
    path,
    `This project is damaged (${detail}).`,
    'Copy or download it again, or export it again.',
  );
}
