import { CATALOGUE, findCatalogueModel } from '../engine/catalogue/catalogue.ts';
import { inWords } from '../engine/catalogue/failures.ts';
import { freeModel, storedBytes, storedModel } from '../engine/catalogue/stored-models.ts';
import { readFlags } from './arguments.ts';
import { cacheFolder, hubAddress, modelCache } from './model-cache.ts';
import { printJson } from './report.ts';

const USAGE = `  npm run mopeft -- models [--json]
  npm run mopeft -- models --free ID [--json]
  Lists the models that --model takes by their id, and what is downloaded of each; asks no server. --free removes one;
  with --json it then lists all.
  --mirror URL, or MOPEFT_MIRROR, names a mirror of huggingface.co for every command.`;

/** What `models --json` prints of each model. */
export interface ModelListing {
  readonly id: string;
  readonly label: string;
  readonly use: string;
  readonly family: string;
  readonly licence: string;
  readonly page: string;
  /** Of the download, about. */
  readonly bytes: number;
  readonly state: 'absent' | 'partial' | 'stored';
  /** In the cache. */
  readonly storedBytes: number;
}

/** `mopeft models`: the catalogue and what is cached of it. */
export async function models(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, { json: { type: 'boolean' }, free: { type: 'string' } }, USAGE);
  const store = modelCache();
  if (flags.free !== undefined) {
    const model = findCatalogueModel(flags.free);
    const bytes = await storedBytes(store, model);
    await freeModel(store, model.id);
    if (!flags.json) {
      console.log(`${model.id}: ${bytes === 0 ? 'nothing was downloaded' : `${inWords(bytes)} freed`}`);
      return 0;
    }
  }
  const listed: ModelListing[] = [];
  for (const model of CATALOGUE) {
    const { id, label, use, family, licence, page, bytes } = model;
    const there = await storedBytes(store, model);
    const state = (await storedModel(store, id)) ? 'stored' : there > 0 ? 'partial' : 'absent';
    listed.push({ id, label, use, family, licence, page, bytes, state, storedBytes: there });
  }
  if (flags.json) {
    printJson({ hub: hubAddress(), cache: cacheFolder(), models: listed });
    return 0;
  }
  for (const model of listed) {
    console.log(`${model.id.padEnd(12)} ${model.label}, about ${inWords(model.bytes)}: ${stateWords(model)}`);
    console.log(`${' '.repeat(13)}${model.use} ${model.licence}, ${model.page}`);
  }
  console.log(`Downloads come from ${hubAddress()} and are kept in ${cacheFolder()}.`);
  return 0;
}

function stateWords({ state, storedBytes }: ModelListing): string {
  switch (state) {
    case 'absent':
      return 'not downloaded';
    case 'partial':
      return `${inWords(storedBytes)} downloaded, goes on from there`;
    case 'stored':
      return 'downloaded';
  }
}
