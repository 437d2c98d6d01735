/** A run's history as one tidy table: a row per step, per evaluation, per gate, and per module that is left. */
import { csv } from '../../config/csv.ts';
import type { MetricsLine } from './metrics.ts';

const COLUMNS = [
  'type',
  'step',
  'dataset',
  'split',
  'loss',
  'focal',
  'dice',
  'iou',
  'learning_rate',
  'gradient_norm',
  'milliseconds',
  'box_iou',
  'click_iou',
  'n',
  'layer',
  'method',
  'gate',
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>;

/**
 * RFC 4180 text with a header row; cells that a row has no value for are empty.
 * @param nameOf how a dataset's key in the metrics is called in the table.
 */
export function historyCsv(lines: readonly MetricsLine[], nameOf: (dataset: string) => string): string {
  const rows = lines.flatMap((line) => rowsOf(line, nameOf));
  return csv(
    COLUMNS,
    rows.map((row) => COLUMNS.map((column) => row[column])),
  );
}

function rowsOf(line: MetricsLine, nameOf: (dataset: string) => string): Row[] {
  switch (line.type) {
    case 'step': {
      const { type, step, loss, focal, dice, iou, lr, norm, ms } = line;
      return [
        { type, step, loss, focal, dice, iou, learning_rate: lr, gradient_norm: norm, milliseconds: ms },
      ];
    }
    case 'eval': {
      const { type, step, split, box_iou, click_iou, n } = line;
      return [{ type, step, split, box_iou, click_iou, n, dataset: nameOf(line.dataset) }];
    }
    case 'gates':
      return line.layers.flatMap((gates, layer) =>
        Object.entries(gates).map(([method, gate]) => ({
          type: 'gate',
          step: line.step,
          dataset: nameOf(line.dataset),
          layer,
          method,
          gate,
        })),
      );
    case 'modules':
      return line.left.flatMap((methods, layer) =>
        methods.map((method) => ({ type: 'module', step: line.step, layer, method })),
      );
  }
}
