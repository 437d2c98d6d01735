import { Failure } from '../../config/failure.ts';
import { isRecord } from '../../config/is-record.ts';
import type { ModelChoices } from '../../config/model-choices.ts';
import {
  type DecoderKind,
  type PreprocessingRecord,
  SAM_PREPROCESSING,
  usualPreprocessing,
} from '../../config/sam.ts';
import { parsePreprocessor } from './parse-config.ts';
import { type ConfigSource, ToldConfig } from './told-config.ts';

/** A JSON file by its name and text. */
export interface JsonFile {
  readonly name: string;
  readonly text: string;
}

type Metadata = readonly Readonly<Record<string, string>>[];

/** Keys of the metadata that our own models carry: the texts of the two files. */
const CONFIG_KEY = 'config';
const PREPROCESSOR_KEY = 'preprocessor_config';

/**
 * What `config.json` says, then the config in the weights' metadata.
 * @throws Failure `config/no-json`, `config/not-sam`.
 */
export function readToldConfig(config: JsonFile | undefined, metadata: Metadata, label: string): ToldConfig {
  const own = ownJson(metadata, CONFIG_KEY, label);
  const file = config && { name: config.name, json: objectOf(config) };
  const type = file?.json.model_type;
  if (typeof type !== 'string' || type.startsWith('sam'))
    return new ToldConfig([file, own].flatMap((source) => source ?? []));
  const told = new ToldConfig(own ? [own] : []);
  told.remarks.push({
    code: 'config/not-sam',
    what: `Its model_type is ${type}, which is no SAM, so it was left alone.`,
    where: file?.name ?? label,
    cure: 'Open the weights with the config.json that was saved together with them.',
  });
  return told;
}

function objectOf(file: JsonFile): ConfigSource['json'] {
  const json = parseJson(file);
  if (isRecord(json)) return json;
  throw new Failure({
    code: 'config/not-sam',
    what: 'The file is no JSON object.',
    where: file.name,
    cure: "Give the config.json that was saved with the weights, or the weights' file alone.",
  });
}

/** A JSON text of ours in the metadata; other programs' texts under the same key are left alone. */
function ownJson(metadata: Metadata, key: string, label: string): ConfigSource | null {
  const text = metadata.map((texts) => texts[key]).find((found) => found !== undefined);
  if (text === undefined) return null;
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? { name: `${label}, metadata ${key}`, json } : null;
  } catch {
    return null;
  }
}

/** How images become the model's input, as chosen, else by the files, else as is usual, which is said. */
export function preprocessingOf(
  {
    file,
    metadata,
    label,
    kind,
  }: {
    readonly file: JsonFile | undefined;
    readonly metadata: Metadata;
    readonly label: string;
    readonly kind: DecoderKind;
  },
  { aspect, normalisation }: ModelChoices,
  told: ToldConfig,
): PreprocessingRecord {
  const own = file ? { name: file.name, json: parseJson(file) } : ownJson(metadata, PREPROCESSOR_KEY, label);
  const said = own && parsePreprocessor(own.json, own.name);
  // A MedSAM2 is a SAM 2, whose images are prepared as those of every other.
  const isMed = kind !== 'sam2' && /med_?-?sam(?!-?2d)/i.test(label);
  // LiteMedSAM keeps the aspect of images; MedSAM does not.
  const isLite = isMed && /lite/i.test(label);
  const usual: PreprocessingRecord = isMed
    ? { aspect: isLite ? 'keep' : 'stretch', normalisation: { kind: 'min-max' } }
    : usualPreprocessing(kind);
  // There is but one way of preparing images for a SAM 2.
  if (!said && !(aspect && normalisation) && kind !== 'sam2') {
    told.remarks.push({
      code: 'config/preprocessing',
      what: isMed
        ? `There is no preprocessor_config.json: it is called ${isLite ? 'LiteMedSAM, so images keep their aspect' : 'MedSAM, so images are stretched to a square'} and are scaled by their own minimum and maximum.`
        : "There is no preprocessor_config.json: images keep their aspect and are normalised by SAM's mean and standard deviation.",
      cure: isMed
        ? "If the masks look wrong, choose SAM's way."
        : 'For a MedSAM choose to stretch images and to normalise by minimum and maximum.',
      choices: isMed ? SAM_PREPROCESSING : { aspect: 'stretch', normalisation: { kind: 'min-max' } },
    });
  }
  return {
    aspect: aspect ?? said?.aspect ?? usual.aspect,
    normalisation: normalisation ?? said?.normalisation ?? usual.normalisation,
  };
}

/** @throws Failure `config/no-json`. */
export function parseJson({ name, text }: JsonFile): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure(
      {
        code: 'config/no-json',
        what: `The file is not JSON: ${(cause as Error).message}.`,
        where: name,
        cure: 'Download or save it again.',
      },
      { cause },
    );
  }
}
