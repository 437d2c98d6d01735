/** Models that can be downloaded, as records. What each is, where its files lie and what is known of them. */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';

/** The hub whose addresses the records use. It and the hosts it redirects to answer pages of any origin. */
export const HUB = 'https://huggingface.co';

const text = v.pipe(v.string(), v.nonEmpty());
const size = v.pipe(v.number(), v.integer(), v.minValue(1));

const FileSchema = v.object({
  /** Its name in the repository and in storage. */
  name: v.pipe(v.string(), v.regex(/^\w[\w.-]*$/)),
  /** Exact length; absent where it is not known. The server's is then taken. */
  bytes: v.optional(size),
  /** Lower-case hexadecimal; absent where no checksum is known. */
  sha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
});

/** What a record may say; the site's `models/index.json` may list further ones in the same form. */
export const CatalogueModelSchema = v.object({
  /** As `--model` takes it; also the folder's name in storage. */
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]*$/)),
  label: text,
  /** One line: what it is good for. */
  use: text,
  /** Its architecture, as people call it. */
  family: text,
  licence: text,
  /** The page that describes it and says who made it. */
  page: v.pipe(v.string(), v.url(), v.regex(/^https?:/)),
  /** `OWNER/NAME` on the hub. */
  repository: v.pipe(v.string(), v.regex(/^[\w.-]+\/[\w.-]+$/)),
  /** A commit or branch of the repository. */
  revision: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
  /** Of all files, as the hub's page rounds it where the exact length is not known. */
  bytes: size,
  /** Weights only: config and preprocessing are below. */
  files: v.pipe(v.array(FileSchema), v.minLength(1)),
  /** The form of Hugging Face's `config.json`; stored beside the weights with the decoder's usual heads. */
  config: v.looseObject({ vision_config: v.looseObject({}) }),
  /** The form of `preprocessor_config.json`, stored beside the weights; default: SAM's own way. */
  preprocessor: v.optional(v.looseObject({})),
});

export type CatalogueModel = v.InferOutput<typeof CatalogueModelSchema>;
export type CatalogueFile = CatalogueModel['files'][number];

const META = 'Apache-2.0 (Meta AI)';
/** As SAM 2's own code prepares images. */
const STRETCHED = { aspect: 'stretch' };

/**
 * The built-in records. Lengths and checksums are those that the hub states for the pinned revision; what it is not
 * known to state is left out.
 */
export const CATALOGUE: readonly CatalogueModel[] = [
  {
    id: 'sam-vit-b',
    label: 'SAM ViT-B',
    use: 'Any image; the usual base for fine-tuning.',
    family: 'SAM, ViT-B',
    licence: META,
    page: 'https://huggingface.co/facebook/sam-vit-base',
    repository: 'facebook/sam-vit-base',
    revision: '70c1a07f894ebb5b307fd9eaaee97b9dfc16068f',
    bytes: 374_979_480,
    files: [
      {
        name: 'model.safetensors',
        bytes: 374_979_480,
        sha256: '892c410e496344e527255ccdcb2cb7244a609acb5389c7c4fdba1288f861c579',
      },
    ],
    config: { vision_config: {} },
  },
  {
    id: 'sam-vit-l',
    label: 'SAM ViT-L',
    use: 'Any image; by its authors clearly better than ViT-B.',
    family: 'SAM, ViT-L',
    licence: META,
    page: 'https://huggingface.co/facebook/sam-vit-large',
    repository: 'facebook/sam-vit-large',
    revision: '6851e0441005b0fb96f2cc4dfac472f3d1b14af1',
    bytes: 1_250_000_000,
    files: [
      {
        name: 'model.safetensors',
        sha256: 'a57e1b13cd1545938dfcbc9fb26df7f60de6650237a9383382a874a623564b81',
      },
    ],
    config: {
      vision_config: {
        hidden_size: 1024,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        mlp_dim: 4096,
        global_attn_indexes: [5, 11, 17, 23],
      },
    },
  },
  {
    id: 'sam-vit-h',
    label: 'SAM ViT-H',
    use: 'Any image; the largest SAM, by its authors little better than ViT-L.',
    family: 'SAM, ViT-H',
    licence: META,
    page: 'https://huggingface.co/facebook/sam-vit-huge',
    repository: 'facebook/sam-vit-huge',
    revision: '87aecf0df4ce6b30cd7de76e87673c49644bdf67',
    bytes: 2_560_000_000,
    files: [
      {
        name: 'model.safetensors',
        sha256: 'edfb0462392541fca9af44ff039bfb32dbd0c939997f3abb77a26e23af7afd7c',
      },
    ],
    config: {
      vision_config: {
        hidden_size: 1280,
        num_hidden_layers: 32,
        num_attention_heads: 16,
        mlp_dim: 5120,
        global_attn_indexes: [7, 15, 23, 31],
      },
    },
  },
  {
    id: 'sam2-1-tiny',
    label: 'SAM 2.1 tiny',
    use: 'Any image; a third of ViT-B’s arithmetic, with finer features for its masks.',
    family: 'SAM 2, Hiera-T',
    licence: META,
    page: 'https://huggingface.co/facebook/sam2.1-hiera-tiny',
    repository: 'facebook/sam2.1-hiera-tiny',
    revision: '36f406a75c9be63c7f429da63246273f028c6fd4',
    bytes: 156_008_466,
    files: [
      {
        name: 'sam2.1_hiera_tiny.pt',
        bytes: 156_008_466,
        sha256: '7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69',
      },
    ],
    config: { model_type: 'sam2', vision_config: {} },
    preprocessor: STRETCHED,
  },
  {
    id: 'sam2-1-small',
    label: 'SAM 2.1 small',
    use: 'Any image; a little deeper than tiny.',
    family: 'SAM 2, Hiera-S',
    licence: META,
    page: 'https://huggingface.co/facebook/sam2.1-hiera-small',
    repository: 'facebook/sam2.1-hiera-small',
    revision: 'ee5bba1d82bb8749febdf90f45e84b687142ba03',
    bytes: 184_416_285,
    files: [
      {
        name: 'sam2.1_hiera_small.pt',
        bytes: 184_416_285,
        sha256: '6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38',
      },
    ],
    config: {
      model_type: 'sam2',
      vision_config: {
        backbone_config: { blocks_per_stage: [1, 2, 11, 2], global_attention_blocks: [7, 10, 13] },
      },
    },
    preprocessor: STRETCHED,
  },
  {
    id: 'sam2-1-base-plus',
    label: 'SAM 2.1 base plus',
    use: 'Any image; two thirds of ViT-B’s arithmetic.',
    family: 'SAM 2, Hiera-B+',
    licence: META,
    page: 'https://huggingface.co/facebook/sam2.1-hiera-base-plus',
    repository: 'facebook/sam2.1-hiera-base-plus',
    revision: 'b7320756a13354e7530a63935656d35b2f91a290',
    bytes: 323_606_802,
    files: [
      {
        name: 'sam2.1_hiera_base_plus.pt',
        bytes: 323_606_802,
        sha256: 'a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5',
      },
    ],
    config: {
      model_type: 'sam2',
      vision_config: {
        backbone_config: {
          embed_dim_per_stage: [112, 224, 448, 896],
          blocks_per_stage: [2, 3, 16, 3],
          num_attention_heads_per_stage: [2, 4, 8, 16],
          global_attention_blocks: [12, 16, 20],
          window_positional_embedding_background_size: [14, 14],
        },
      },
    },
    preprocessor: STRETCHED,
  },
  {
    id: 'medsam',
    label: 'MedSAM',
    use: 'Medical images of many kinds, asked by box.',
    family: 'SAM, ViT-B',
    licence: 'Apache-2.0 (Jun Ma et al.)',
    page: 'https://huggingface.co/flaviagiammarino/medsam-vit-base',
    repository: 'flaviagiammarino/medsam-vit-base',
    revision: '7f4cdedabc736e857fb0406a8427b1ce6a2a3c03',
    bytes: 375_000_000,
    files: [
      {
        name: 'pytorch_model.bin',
        sha256: 'b80a96478503f89e76f1f7bbba50cfcd4ec9e7467f0d5185310216b33946ec9c',
      },
    ],
    config: { vision_config: {} },
    // As MedSAM's own code prepares images; the repository's file would pad them.
    preprocessor: { aspect: 'stretch', normalisation: 'min-max' },
  },
  {
    id: 'slimsam-50',
    label: 'SlimSAM 50',
    use: 'Any image; half of SAM ViT-B’s width pruned away, for small GPUs.',
    family: 'SAM, pruned ViT-B',
    licence: 'Apache-2.0 (Zigeng Chen et al.)',
    page: 'https://huggingface.co/Zigeng/SlimSAM-uniform-50',
    repository: 'Zigeng/SlimSAM-uniform-50',
    revision: '47bf233aaffd60acb087e835a594ddb99b673c1b',
    bytes: 112_000_000,
    files: [
      {
        name: 'model.safetensors',
        sha256: 'c6146291d993f315ae1951e1209555d6c9dea1404546dc54edbc3f15fb1d8e69',
      },
    ],
    config: { vision_config: { hidden_size: 384, mlp_dim: 1536 } },
  },
  {
    id: 'slimsam-77',
    label: 'SlimSAM 77',
    use: 'Any image; the smallest download, for a quick look and weak GPUs.',
    family: 'SAM, pruned ViT-B',
    licence: 'Apache-2.0 (Zigeng Chen et al.)',
    page: 'https://huggingface.co/Zigeng/SlimSAM-uniform-77',
    repository: 'Zigeng/SlimSAM-uniform-77',
    revision: '42517748c0b6082c5a351e2c8a430394fe7bdc0d',
    bytes: 38_900_000,
    files: [
      {
        name: 'model.safetensors',
        sha256: 'b0ee221e3d33935807a820c157fec81a537b3b9979edc88b148a8dae8bbdd5d2',
      },
    ],
    config: { vision_config: { hidden_size: 168, mlp_dim: 696 } },
  },
];

/** @throws Failure `model/unknown` that names the ids. */
export function findCatalogueModel(
  id: string,
  models: readonly CatalogueModel[] = CATALOGUE,
): CatalogueModel {
  const model = models.find((each) => each.id === id);
  if (model) return model;
  throw new Failure({
    code: 'model/unknown',
    what: 'The catalogue has no model of this name.',
    where: id,
    cure: `Choose one of ${models.map((each) => each.id).join(', ')}.`,
  });
}

/** The sizes of a model that need not be there yet, so that a run on it can be planned. */
export function configOf({ id, config, preprocessor }: CatalogueModel): SamConfig {
  return parseSamConfig(config, id, preprocessor ? { preprocessor } : {});
}

/**
 * The address of a file.
 * @param hub of the hub or of a mirror with its layout; without a slash at its end.
 */
export function fileUrl(
  { repository, revision }: Pick<CatalogueModel, 'repository' | 'revision'>,
  { name }: Pick<CatalogueFile, 'name'>,
  hub = HUB,
): string {
  return `${hub}/${repository}/resolve/${revision}/${name}`;
}
