/** What was chosen of a model that is stored, kept beside its files for the next visit. */
import * as v from 'valibot';
import { type ModelChoices, ModelChoicesSchema } from '../config/model-choices.ts';
import type { FileStore } from '../data/file-store.ts';

/** Folder of the dropped model. */
const DROPPED = 'model';
const NAME = 'choices.json';

/** @param folder of the model; default: that of the dropped one. */
export async function keepChoices(store: FileStore, choices: ModelChoices, folder = DROPPED): Promise<void> {
  const path = `${folder}/${NAME}`;
  if (Object.keys(choices).length === 0) await store.remove(path);
  else await store.write(path, new TextEncoder().encode(JSON.stringify(choices)));
}

/** Nothing where nothing was chosen, or where it cannot be read. */
export async function keptChoices(store: FileStore, folder = DROPPED): Promise<ModelChoices> {
  const path = `${folder}/${NAME}`;
  if (!(await store.exists(path))) return {};
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await store.read(path)));
    const parsed = v.safeParse(ModelChoicesSchema, json);
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
