/** A run as one HTML file that needs nothing else: its verdict, figures, charts, gates, settings and split. */
import { signed } from '../../config/words.ts';
import { isTold, type Worth } from '../../config/worth.ts';
import { tellsDatasetsApart } from '../../peft/datasets.ts';
import type { EvalEvent, GatesEvent } from '../../train/events.ts';
import type { RunWorth } from '../worth/run-worth.ts';
import type { MetricsLine } from './metrics.ts';
import { chart, escaped, type Line } from './report-chart.ts';
import type { RunConfig, RunSplit } from './run-files.ts';
import type { Verdict, VerdictMeasure } from './verdict-file.ts';
import { intervalText } from './verdict-words.ts';

export interface ReportedRun {
  readonly name: string;
  /** As people read it: "finished". */
  readonly status: string;
  /** Steps done. */
  readonly step: number;
  readonly bestStep: number | null;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly config: RunConfig;
  readonly split: RunSplit;
  readonly metrics: readonly MetricsLine[];
  readonly verdict: Verdict | null;
  /** Absent where it was not measured with the best weights. */
  readonly worth?: RunWorth;
}

/** The page. Everything that comes from files is escaped. */
export function reportHtml(run: ReportedRun): string {
  const { name, status, step, created, config, verdict } = run;
  const sections = [
    verdict ? section('Result', verdictHtml(verdict)) : '',
    section('Loss', lossChart(run.metrics)),
    section('Validation', evaluations(run)),
    section('Modules', modules(run)),
    section('Gates', gates(run)),
    section('Worth', worth(run)),
    section('Split', splits(run)),
    section('Settings', settings(config)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(name)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(name)}</h1>
<p>${escaped(config.method)} on ${escaped(config.model.name)} (${escaped(config.model.hash.slice(0, 12))}),
${escaped(status)} at step ${step} of ${escaped(String(config.train.steps))}${
    run.bestStep === null ? '' : `, best weights at step ${run.bestStep}`
  };
started ${new Date(created).toISOString().slice(0, 16).replace('T', ' ')} UTC${
    config.device === undefined ? '' : ` on ${escaped(config.device)}`
  }.</p>
${sections.join('\n')}
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 0.5rem 0; }
th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; }
svg { max-width: 100%; height: auto; }
svg text { fill: currentColor; font-size: 11px; }
.say { font-size: 1.15rem; }
.muted { opacity: 0.7; }
summary { cursor: pointer; }`;

const section = (title: string, content: string): string =>
  content === '' ? '' : `<section>\n<h2>${title}</h2>\n${content}\n</section>`;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>\n${row(header, 'th')}\n${rows.map((cells) => row(cells, 'td')).join('\n')}\n</table>`;
}

const three = (value: number): string => value.toFixed(3);

function verdictHtml({ sentence, suggestion, box, click, perDataset }: Verdict): string {
  const row = (of: string, prompt: string, measure: VerdictMeasure) => [
    escaped(of),
    prompt,
    three(measure.base),
    three(measure.tuned),
    `${signed(measure.tuned - measure.base)} (${intervalText(measure)})`,
    String(measure.n),
    String(measure.images),
  ];
  const rows = [
    row('all', 'box', box),
    row('all', 'click', click),
    ...(perDataset.length > 1
      ? perDataset.flatMap((each) => [row(each.name, 'box', each.box), row(each.name, 'click', each.click)])
      : []),
  ];
  return `<p class="say">${escaped(sentence)}</p>
<p>${escaped(suggestion)}</p>
${table(['dataset', 'prompt', 'IoU of the base', 'tuned', 'gain (95 % interval)', 'objects', 'images'], rows)}`;
}

function lossChart(metrics: readonly MetricsLine[]): string {
  const points = metrics.flatMap((line) => (line.type === 'step' ? [[line.step, line.loss] as const] : []));
  return chart([{ name: 'loss', points }], 'loss');
}

const isEval = (line: MetricsLine): line is EvalEvent => line.type === 'eval';
const isGates = (line: MetricsLine): line is GatesEvent => line.type === 'gates';

function evaluations({ metrics, config }: ReportedRun): string {
  const all = metrics.filter(isEval).filter(({ split }) => split === 'val');
  const lines = config.datasets.flatMap(({ key, name }): Line[] => {
    const own = all.filter(({ dataset }) => dataset === key);
    return [
      { name: `${name}, box`, points: own.map(({ step, box_iou }) => [step, box_iou] as const) },
      { name: `${name}, click`, points: own.map(({ step, click_iou }) => [step, click_iou] as const) },
    ];
  });
  const drawn = chart(lines, 'IoU');
  if (drawn === '') return '';
  const names = namesOf(config);
  const rows = all.map(({ step, dataset, box_iou: box, click_iou: click, n }) => [
    String(step),
    escaped(names.get(dataset) ?? dataset),
    three(box),
    three(click),
    String(n),
  ]);
  return `${drawn}
<details><summary>All figures</summary>
${table(['step', 'dataset', 'box IoU', 'click IoU', 'objects'], rows)}
</details>`;
}

/** The modules that are left, and when there were how many. */
function modules({ metrics }: ReportedRun): string {
  const all = metrics.flatMap((line) => (line.type === 'modules' ? [line] : []));
  const last = all.at(-1);
  if (!last) return '';
  const counts = all.map(({ step, left, parameters }) => [
    String(step),
    String(left.flat().length),
    String(parameters),
  ]);
  const left = last.left.map((methods, block) => [String(block), escaped(methods.join(', '))]);
  return `${table(['block', 'modules that are left'], left)}
${table(['after step', 'modules', 'their parameters'], counts)}`;
}

const namesOf = ({ datasets }: RunConfig) => new Map(datasets.map(({ key, name }) => [key, name]));

/** The gates of each dataset when they were last measured, and how they changed since the start. */
function gates({ metrics, config }: ReportedRun): string {
  const all = metrics.filter(isGates);
  return config.datasets
    .map(({ key, name }) => {
      const own = all.filter(({ dataset }) => dataset === key);
      const [first, last] = [own[0], own.at(-1)];
      if (!first || !last) return '';
      const methods = [...new Set(last.layers.flatMap((layer) => Object.keys(layer)))];
      const rows = last.layers.map((layer, i) => [
        String(i),
        ...methods.map((method) => {
          const value = layer[method];
          const before = first.layers[i]?.[method];
          if (value === undefined) return '';
          return `${three(value)}${before === undefined ? '' : ` <span class="muted">(${signed(value - before)})</span>`}`;
        }),
      ]);
      return `<h3>${escaped(name)}, step ${last.step}</h3>
${table(['block', ...methods.map((method) => `${escaped(method)} (change from step ${first.step})`)], rows)}`;
    })
    .join('');
}

/** What each module is worth on each dataset, in IoU points; in brackets what is not told from nothing. */
function worth({ worth: measured, config }: ReportedRun): string {
  const names = namesOf(config);
  const cell = (each: Worth) => `${lost(each.box, each.boxError)} / ${lost(each.click, each.clickError)}`;
  const each = (measured?.datasets ?? []).map(
    ({ key, images, objects, modules, methods, blocks, greedy }) => {
      const rows = [
        ...blocks.map(({ block, ...whole }) => [
          String(block),
          ...methods.map(({ method }) => {
            const module = modules.find((other) => other.block === block && other.method === method);
            return module ? cell(module) : '';
          }),
          cell(whole),
        ]),
        ['all', ...methods.map(cell), ''],
      ];
      const chosen = greedy.map(({ method, block }) => `${escaped(method)} in block ${block}`);
      return `<h3>${escaped(names.get(key) ?? key)}: ${objects} objects on ${images} validation images</h3>
${table(['block', ...methods.map(({ method }) => escaped(method)), 'all'], rows)}
<p>${greedy.length} of ${modules.length} modules give all of the gain, within its error${
        chosen.length > 0 ? `: ${chosen.join(', ')}` : ''
      }.</p>`;
    },
  );
  if (each.length === 0) return '';
  return `<p>IoU points (hundredths) that are lost without a module, by box / by click, ± standard error; in brackets:
within two errors of 0, so not told from nothing.</p>
${each.join('')}`;
}

function lost(value: number, error: number): string {
  const sign = value < 0 ? '−' : '';
  const text = `${sign}${Math.abs(100 * value).toFixed(1)} ± ${(100 * error).toFixed(1)}`;
  return isTold(value, error) ? text : `(${text})`;
}

function splits({ split, config }: ReportedRun): string {
  return config.datasets
    .map(({ key, name }) => {
      const own = split[key];
      if (!own) return '';
      const parts = (['train', 'val', 'test'] as const).map((part) => {
        const title = { train: 'training', val: 'validation', test: 'test' }[part];
        return `<details><summary>${title}: ${own[part].length} images</summary>
<p>${own[part].map(escaped).join('<br>')}</p></details>`;
      });
      return `<h3>${escaped(name)}</h3>\n${parts.join('\n')}`;
    })
    .join('');
}

function settings({ model, method, mopeft, train, datasets }: RunConfig): string {
  const text = (value: unknown) => escaped(typeof value === 'string' ? value : JSON.stringify(value));
  const rows = [
    ['base model', escaped(`${model.name}, ${model.hash}`)],
    ['method', escaped(method)],
    ...Object.entries(mopeft.methods).map(([id, own]) => [escaped(id), text(own)]),
    ['gate', escaped(mopeft.gate)],
    ...(mopeft.budget === undefined ? [] : [['share to keep', text(mopeft.budget)]]),
    ...(tellsDatasetsApart(mopeft)
      ? [['asked for as', escaped(datasets.map(({ name }) => name).join(', '))]]
      : []),
    ['blocks', escaped(mopeft.blocks.join(', '))],
    ...(mopeft.pruned ? [['pruned', text(mopeft.pruned)]] : []),
    ['mask decoder', mopeft.trainDecoder ? 'trained' : 'left as it is'],
    ...datasets.map(({ name, scale = 'whole' }) => [`scale of ${escaped(name)}`, text(scale)]),
    ...Object.entries(train).map(([id, value]) => [escaped(id), text(value)]),
  ];
  return table(['setting', 'value'], rows);
}
