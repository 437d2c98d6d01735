import type { ReactNode } from 'react';
import { isTold, type Worth } from '../../../config/worth.ts';
import type { DatasetWorth } from '../../../worker/protocol.ts';
import { MethodSwatch } from '../../components/MethodSwatch.tsx';
import { heatColour } from '../../theme/colours.ts';
import heat from './GateHeatMap.module.css';
import { MethodName } from './MethodName.tsx';
import styles from './WorthPanel.module.css';
import { points } from './worth-text.ts';

export type WorthPrompt = 'box' | 'click';

/** IoU that gets about the strongest colour. */
const FULL_LOSS = 0.05;
/** The map's colours are made for changes of gates. */
const FULL_CHANGE = 0.25;

/** What is lost without each module of a run on one dataset, methods × blocks, in IoU points. */
export function WorthHeatMap(props: {
  readonly title: string;
  readonly worth: DatasetWorth;
  readonly prompt: WorthPrompt;
}): ReactNode {
  const { title, worth, prompt } = props;
  const { modules, methods, blocks, images, objects } = worth;
  return (
    <div className={heat.scroll}>
      <table className={heat.map}>
        <caption className={heat.caption}>
          <strong>{title}</strong>{' '}
          <span className="muted">
            on {objects} objects of {images} validation images
          </span>
        </caption>
        <thead>
          <tr>
            <th scope="col" className={heat.corner}>
              Block
            </th>
            {blocks.map(({ block }) => (
              <th key={block} scope="col">
                {block}
              </th>
            ))}
            <th scope="col" className={styles.whole}>
              all blocks
            </th>
          </tr>
        </thead>
        <tbody>
          {methods.map(({ method, ...whole }) => (
            <tr key={method}>
              <th scope="row" className={heat.method}>
                <MethodSwatch id={method} /> <MethodName id={method} />
              </th>
              {blocks.map(({ block }) => {
                const module = modules.find((each) => each.method === method && each.block === block);
                return module ? (
                  <Cell key={block} worth={module} prompt={prompt} />
                ) : (
                  <td key={block} className={heat.none} title={`block ${block} has no such module`}>
                    –
                  </td>
                );
              })}
              <Cell worth={whole} prompt={prompt} />
            </tr>
          ))}
          <tr>
            <th scope="row" className={heat.method}>
              all methods
            </th>
            {blocks.map(({ block, ...whole }) => (
              <Cell key={block} worth={whole} prompt={prompt} />
            ))}
            <td />
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Cell({ worth, prompt }: { readonly worth: Worth; readonly prompt: WorthPrompt }): ReactNode {
  const value = worth[prompt];
  const error = worth[`${prompt}Error`];
  const text = points(value);
  if (!isTold(value, error)) {
    return (
      <td className={styles.untold} title={`${text} ± ${points(error)} IoU points: not told from nothing`}>
        <span className="muted">({text})</span>
        <span className="visually-hidden"> not told from nothing</span>
      </td>
    );
  }
  const meaning = value > 0 ? 'lost without it' : 'gained without it';
  return (
    <td
      title={`${points(Math.abs(value))} ± ${points(error)} IoU points ${meaning}`}
      style={{ background: heatColour((value * FULL_CHANGE) / FULL_LOSS) }}
    >
      {text}
    </td>
  );
}
