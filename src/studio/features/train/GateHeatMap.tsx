import type { ReactNode } from 'react';
import { signed } from '../../../config/words.ts';
import type { GateRow } from '../../charts/series.ts';
import { MethodSwatch } from '../../components/MethodSwatch.tsx';
import { iou } from '../../format/format.ts';
import { heatColour } from '../../theme/colours.ts';
import styles from './GateHeatMap.module.css';
import { MethodName } from './MethodName.tsx';

export type GateView = 'change' | 'now';

/** Gates of one dataset, methods × blocks, coloured by their change since step 0 or their value. */
export function GateHeatMap(props: {
  readonly title: string;
  readonly step: number;
  readonly rows: readonly GateRow[];
  readonly view: GateView;
}): ReactNode {
  const blockCount = props.rows[0]?.cells.length ?? 0;
  return (
    <div className={styles.scroll}>
      <table className={styles.map}>
        <caption className={styles.caption}>
          <strong>{props.title}</strong> <span className="muted">at step {props.step}</span> ·{' '}
          <GateTrend rows={props.rows} />
        </caption>
        <thead>
          <tr>
            <th scope="col" className={styles.corner}>
              Block
            </th>
            {Array.from({ length: blockCount }, (_, block) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
              <th key={block} scope="col">
                {block}
              </th>
            ))}
            <th scope="col">mean</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <Row key={row.method} row={row} view={props.view} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, view }: { readonly row: GateRow; readonly view: GateView }): ReactNode {
  return (
    <tr>
      <th scope="row" className={styles.method}>
        <MethodSwatch id={row.method} /> <MethodName id={row.method} />
      </th>
      {row.cells.map((cell, block) =>
        cell ? (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
            key={block}
            title={`block ${block}: ${cell.now.toFixed(3)}, ${signed(cell.change)} since step 0`}
            style={{ background: heatColour(view === 'change' ? cell.change : cell.now - 0.5) }}
          >
            {view === 'change' ? signed(cell.change, 2) : cell.now.toFixed(2)}
          </td>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
          <td key={block} className={styles.none} title={`block ${block} has no such module`}>
            –
          </td>
        ),
      )}
      <td className={styles.mean}>{view === 'change' ? signed(row.meanChange) : iou(row.meanNow)}</td>
    </tr>
  );
}

/** Smaller changes count as none. */
const MIN_CHANGE = 0.0005;

function GateTrend({ rows }: { readonly rows: readonly GateRow[] }): ReactNode {
  const most = rows.toSorted((a, b) => b.meanChange - a.meanChange)[0];
  if (!most || rows.length < 2) return null;
  if (rows.every((row) => Math.abs(row.meanChange) < MIN_CHANGE)) return <>no gate has changed yet</>;
  if (most.meanChange < MIN_CHANGE) return <>no method’s gates have risen on average</>;
  return (
    <>
      <MethodName id={most.method} /> rose most ({signed(most.meanChange)} on average since step 0)
    </>
  );
}

export function HeatLegend({ view }: { readonly view: GateView }): ReactNode {
  const stops = [-0.25, -0.12, -0.03, 0, 0.03, 0.12, 0.25];
  const [low, high] = view === 'change' ? ['−0.25', '+0.25'] : ['0.25', '0.75'];
  return (
    <span className={styles.legend}>
      <span>{low}</span>
      {stops.map((stop) => (
        <span
          key={stop}
          className={styles.stop}
          style={{ background: heatColour(stop) }}
          aria-hidden="true"
        />
      ))}
      <span>{high}</span>
    </span>
  );
}
