import type { ReactNode } from 'react';
import type { TaylorScores } from '../../../worker/protocol.ts';
import { MethodSwatch } from '../../components/MethodSwatch.tsx';
import { heatColour } from '../../theme/colours.ts';
import heat from './GateHeatMap.module.css';
import { MethodName } from './MethodName.tsx';

/** The map's strongest colour, for the largest estimate. */
const FULL = 0.25;

/** What training estimated of each module, in percent of the largest. */
export function TaylorMap(props: {
  readonly scores: TaylorScores;
  readonly methods: readonly string[];
}): ReactNode {
  const { scores, methods } = props;
  const most = Math.max(...scores.flatMap((block) => Object.values(block)), Number.MIN_VALUE);
  return (
    <div className={heat.scroll}>
      <table className={heat.map}>
        <caption className={heat.caption}>
          <strong>Estimated while it learned</strong>{' '}
          <span className="muted">
            on all datasets: how steeply the loss changes with a module’s gate, in percent of the largest. It
            costs nothing and has no error; measure the worth to be sure.
          </span>
        </caption>
        <thead>
          <tr>
            <th scope="col" className={heat.corner}>
              Block
            </th>
            {scores.map((_, block) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
              <th key={block} scope="col">
                {block}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {methods.map((method) => (
            <tr key={method}>
              <th scope="row" className={heat.method}>
                <MethodSwatch id={method} /> <MethodName id={method} />
              </th>
              {scores.map(({ [method]: score }, block) =>
                score === undefined ? (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
                  <td key={block} className={heat.none} title={`block ${block} has no such module`}>
                    –
                  </td>
                ) : (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
                  <td key={block} style={{ background: heatColour((FULL * score) / most) }}>
                    {Math.round((100 * score) / most)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
