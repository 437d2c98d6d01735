import type { ReactNode } from 'react';
import type { GateLayer } from '../../../worker/protocol.ts';
import { MethodSwatch, useMethodColour } from '../../components/MethodSwatch.tsx';
import { useRuns } from '../../stores/runs.ts';
import { selectEmbedding, useSegment } from '../../stores/segment.ts';
import { useSession } from '../../stores/session.ts';
import styles from './ImageGates.module.css';

/** The gates of the open image: a bar per method and block. */
export function ImageGates(): ReactNode {
  const side = useSegment((state) => state.side);
  const runId = useSegment((state) => state.runId);
  const embedding = useSegment(selectEmbedding);
  const gates = embedding?.gates ?? null;
  const isBase = useRuns(({ runs }) => runs.find(({ id }) => id === runId)?.bestStep === 0);
  const known = useSession((state) => state.capabilities?.methods);
  if (side === 'base') return null;
  return (
    <section className={`panel ${styles.panel}`} aria-label="Gates of this image">
      <h2>Gates of this image</h2>
      {gates === null ? (
        <p className="muted">{embedding ? withoutGates(isBase) : 'Shown once the image is encoded.'}</p>
      ) : (
        (known ?? [])
          .filter((method) => gates.some((block) => block[method.id] !== undefined))
          .map((method) => <MethodBars key={method.id} id={method.id} label={method.label} blocks={gates} />)
      )}
    </section>
  );
}

/** Why an encoded image has no gates. @param isBase whether the run kept the base model. */
export const withoutGates = (isBase: boolean): string =>
  isBase ? 'This run kept the base model, which has no gates.' : 'This run has no gates.';

function MethodBars(props: {
  readonly id: string;
  readonly label: string;
  readonly blocks: readonly GateLayer[];
}): ReactNode {
  const values = props.blocks.map((block) => block[props.id] ?? null);
  const present = values.flatMap((value) => value ?? []);
  const mean = present.reduce((sum, value) => sum + value, 0) / Math.max(1, present.length);
  const colour = useMethodColour(props.id);
  const summary = values.map((value, block) => `block ${block}: ${value?.toFixed(2) ?? 'none'}`).join(', ');
  return (
    <div className={styles.method}>
      <span className={styles.name}>
        <MethodSwatch id={props.id} /> {props.label}
        <span className="muted small">mean {mean.toFixed(3)}</span>
      </span>
      <span className={styles.bars} role="img" aria-label={`${props.label}: ${summary}`}>
        {values.map((value, block) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is its index
            key={block}
            className={styles.column}
            title={`block ${block}: ${value?.toFixed(3) ?? 'none'}`}
          >
            <span className={styles.fill} style={{ height: `${100 * (value ?? 0)}%`, background: colour }} />
          </span>
        ))}
      </span>
    </div>
  );
}
