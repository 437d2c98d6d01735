/** The card of an export (`README.md`) in the form of Hugging Face's hub: a front matter in YAML, then what a person wants to know. */
import { signed } from '../../config/words.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { scaleOfAdapter } from '../run/adapter-files.ts';
import type { Verdict, VerdictMeasure } from '../run/verdict-file.ts';
import { intervalText } from '../run/verdict-words.ts';
import type { ExportSource } from './export-form.ts';
import { preprocessingNotes } from './hf-model.ts';
import type { RunFacts } from './run-facts.ts';

/** What a form says on the card. */
export interface CardForm {
  /** The hub's `library_name`; null where it knows none. */
  readonly library: string | null;
  /** The lines of Python that load it. */
  readonly use: readonly string[];
  /** What a person should know of this form. */
  readonly notes?: readonly string[];
}

export function modelCard(source: ExportSource, { library, use, notes = [] }: CardForm): string {
  const { adapter, base, checkpoint, run } = source;
  const title = run ? `${run.name}: ${base.name}, tuned` : `${base.name}, tuned`;
  const code = use.length > 0 ? ['', '```python', ...use, '```'] : [];
  const said = [
    ...notes,
    ...usageNotes(adapter),
    ...preprocessingNotes(checkpoint.config, adapter.preprocessing),
  ];
  const lines = [
    '---',
    ...frontMatter(source, library),
    '---',
    '',
    `# ${oneLine(title)}`,
    '',
    'A Segment Anything Model that was tuned with MoPEFT Studio.',
    '',
    '## Use',
    ...code,
    '',
    ...said.map((sentence) => `- ${sentence}`),
    '',
    '## Base model',
    '',
    `- ${oneLine(base.name)}${base.repository ? ` (${base.repository})` : ''}`,
    `- SHA-256 of its weights: \`${base.hash}\``,
    `- Licence: ${base.licence ? oneLine(base.licence) : 'not known; it is the one you got the model under'}`,
    ...(run ? trainingLines(run) : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** How masks come from logits, and what of an image the model is to see. */
export function usageNotes(adapter: Adapter): readonly string[] {
  const { maskThreshold } = adapter;
  const scale = scaleOfAdapter(adapter);
  return [
    maskThreshold === 0
      ? 'A pixel belongs to the mask where its logit is above 0, as in SAM.'
      : `A pixel belongs to the mask where its logit is above ${maskThreshold}; SAM's own 0 gives other masks.`,
    ...(scale === 'whole'
      ? []
      : [
          `It was trained on crops of ${scale} pixels: give it such a crop around what is asked, since it sees objects of a whole image at another size. MoPEFT Studio does so by itself with the adapter, in its own form or PEFT's.`,
        ]),
  ];
}

/** Identifiers of licences as hubs write them, by how they begin in what people write. */
const LICENCES = { 'apache-2.0': /^apache[- ]2/i, mit: /^mit\b/i } as const;

function frontMatter({ base, adapter, run }: ExportSource, library: string | null): string[] {
  const known = Object.entries(LICENCES).find(([, pattern]) => pattern.test(base.licence ?? ''));
  const methods = Object.keys(adapter.mopeft.methods);
  return [
    `license: ${known?.[0] ?? 'other'}`,
    ...(known ? [] : [`license_name: ${yaml(base.licence ?? 'unknown')}`]),
    ...(base.repository ? [`base_model: ${base.repository}`] : []),
    ...(library ? [`library_name: ${library}`] : []),
    'pipeline_tag: mask-generation',
    'tags:',
    ...['segment-anything', 'mopeft', ...methods].map((tag) => `- ${tag}`),
    ...(run?.verdict ? resultLines(run, run.verdict) : []),
  ];
}

/** Figures as hubs index them. */
function resultLines({ name }: RunFacts, { box, click, perDataset }: Verdict): string[] {
  const metric = (type: string, { tuned, n }: VerdictMeasure) => [
    `    - type: mean_iou`,
    `      name: ${yaml(`IoU by ${type}, ${n} test objects`)}`,
    `      value: ${three(tuned)}`,
  ];
  const result = (
    dataset: string,
    measures: { readonly box: VerdictMeasure; readonly click: VerdictMeasure },
  ) => [
    '  - task:',
    '      type: mask-generation',
    '    dataset:',
    `      name: ${yaml(dataset)}`,
    '      type: private',
    '    metrics:',
    ...metric('box', measures.box),
    ...metric('click', measures.click),
  ];
  const all = perDataset.length > 0 ? perDataset : [{ name: 'test images', box, click }];
  return [
    'model-index:',
    `- name: ${yaml(name)}`,
    '  results:',
    ...all.flatMap((each) => result(each.name, each)),
  ];
}

function trainingLines({ config, split, verdict }: RunFacts): string[] {
  const rows = config.datasets.map(({ key, name, scale = 'whole' }) => {
    const { train = [], val = [], test = [] } = split[key] ?? {};
    return [
      name,
      train.length,
      val.length,
      test.length,
      scale === 'whole' ? 'whole images' : `crops of ${scale} px`,
    ];
  });
  const { steps, seed } = config.train;
  return [
    '',
    '## Training',
    '',
    `- Method: ${config.method}, gates ${config.mopeft.gate}, blocks ${config.mopeft.blocks.join(', ') || 'none'}`,
    `- Mask decoder: ${config.mopeft.trainDecoder ? 'trained too' : 'as in the base model'}`,
    `- Steps: ${steps}, seed ${seed}`,
    '',
    ...table(['dataset', 'images to train', 'to validate', 'to test', 'seen as'], rows),
    ...(verdict ? verdictLines(verdict) : ['', 'It was not tested yet.']),
  ];
}

function verdictLines({ box, click, perDataset, sentence }: Verdict): string[] {
  const row = (of: string, prompt: string, { base, tuned, gainLow, gainHigh, n, images }: VerdictMeasure) => [
    of,
    prompt,
    three(base),
    three(tuned),
    `${signed(tuned - base)} (${intervalText({ gainLow, gainHigh })})`,
    n,
    images,
  ];
  const rows = [
    row('all', 'box', box),
    row('all', 'click', click),
    ...(perDataset.length > 1
      ? perDataset.flatMap((each) => [row(each.name, 'box', each.box), row(each.name, 'click', each.click)])
      : []),
  ];
  const header = [
    'dataset',
    'prompt',
    'IoU of the base',
    'tuned',
    'gain (95 % interval)',
    'objects',
    'images',
  ];
  return ['', '## Result on test images', '', sentence, '', ...table(header, rows)];
}

function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => oneLine(String(cell)).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)];
}

const three = (value: number): string => value.toFixed(3);
/** A name that a person gave cannot begin a line of its own. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
/** JSON's strings are YAML's too. */
const yaml = (text: string): string => JSON.stringify(oneLine(text));
