/** What was chosen of the dropped model, kept beside its files for the next visit. */
import * as v from 'valibot';
import { type ModelChoices, ModelChoicesSchema } from '../config/model-choices.ts';
import type { FileStore } from '../data/file-store.ts';

const PATH = 'model/choices.json';

export async function keepChoices(store: FileStore, choices: ModelChoices): Promise<void> {
  if (Object.keys(choices).length === 0) await store.remove(PATH);
  else await store.write(PATH, new TextEncoder().encode(JSON.stringify(choices)));
}

/** Nothing where nothing was chosen, or where it cannot be read. */
export async function keptChoices(store: FileStore): Promise<ModelChoices> {
  if (!(await store.exists(PATH))) return {};
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await store.read(PATH)));
    const parsed = v.safeParse(ModelChoicesSchema, json);
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
