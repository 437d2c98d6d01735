import { memo, type ReactNode, useMemo } from 'react';
import type { ModulesPoint, TrainSettings } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { type ModuleCell, moduleRows, shareSeries } from '../../charts/series.ts';
import { MethodSwatch, useMethodColour } from '../../components/MethodSwatch.tsx';
import { useSession } from '../../stores/session.ts';
import styles from './GateHeatMap.module.css';

const LINES: readonly LineOf[] = [{ key: 'share', label: 'share left', colour: 'var(--accent)' }];

/** Which modules of a run are left, when the others went, and the share of the parameters over the steps. */
export const ModulesPanel = memo(function ModulesPanel(props: {
  readonly settings: TrainSettings;
  readonly modules: readonly ModulesPoint[];
}): ReactNode {
  const { settings, modules } = props;
  const series = useMemo(() => shareSeries(modules), [modules]);
  const rows = moduleRows(modules, settings.methods);
  const [first, last] = [modules[0], modules.at(-1)];
  if (!first || !last) return null;
  const count = (point: ModulesPoint) => point.left.flat().length;
  const percent = Math.round((100 * last.parameters) / first.parameters);
  return (
    <section className="panel stack" aria-label="Modules">
      <h3>Modules that are left</h3>
      <p>
        {count(last)} of {count(first)} modules are left, with {percent} % of their parameters
        {last.step > 0 && ` since step ${last.step}`}.
      </p>
      <div className={styles.scroll}>
        <table className={styles.map}>
          <caption className={styles.caption}>
            <span className="muted">A number is the step after which a module was taken out.</span>
          </caption>
          <thead>
            <tr>
              <th scope="col" className={styles.corner}>
                Block
              </th>
              {first.left.map((_, block) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
                <th key={block} scope="col">
                  {block}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.method} method={row.method} cells={row.cells} />
            ))}
          </tbody>
        </table>
      </div>
      <LineGraph title="Share of the modules’ parameters over the steps" low data={series} lines={LINES} />
    </section>
  );
});

function Row(props: { readonly method: string; readonly cells: readonly ModuleCell[] }): ReactNode {
  const { method, cells } = props;
  const colour = useMethodColour(method);
  const label = useSession(
    (state) => state.capabilities?.methods.find(({ id }) => id === method)?.label ?? method,
  );
  return (
    <tr>
      <th scope="row" className={styles.method}>
        <MethodSwatch id={method} /> {label}
      </th>
      {cells.map((cell, block) =>
        cell === 'left' ? (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
            key={block}
            title={`block ${block}: left`}
            style={{ background: `color-mix(in oklab, ${colour} 35%, transparent)` }}
          >
            left
          </td>
        ) : (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
            key={block}
            className={styles.none}
            title={
              cell === null
                ? `block ${block} has no such module`
                : `block ${block}: taken out after step ${cell}`
            }
          >
            {cell ?? '–'}
          </td>
        ),
      )}
    </tr>
  );
}
