import type { ReactNode } from 'react';
import type { Scale, ScaleInfo } from '../../../worker/protocol.ts';
import { FailureText } from '../../components/FailureMessage.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import styles from './ScaleField.module.css';

/** Chooses how the model sees the images of a dataset, and says how wide it sees objects then. */
export function ScaleField(props: {
  readonly scale: ScaleInfo;
  /** What else is to be known. */
  readonly note?: string | undefined;
  readonly onChange: (scale: Scale) => void;
}): ReactNode {
  const { scale, note } = props;
  return (
    <div className="stack small">
      <SelectField
        label="The model sees"
        value={String(scale.chosen)}
        options={scaleOptions(scale)}
        onChange={(value) => props.onChange(value === 'whole' ? value : Number(value))}
      />
      {(scale.sentence !== null || note !== undefined) && (
        <p className="muted">{[scale.sentence, scale.closer, note].filter(Boolean).join(' ')}</p>
      )}
      {scale.tooSmall && (
        <div className={`attention ${styles.small}`}>
          <FailureText failure={scale.tooSmall} />
        </div>
      )}
    </div>
  );
}

/** Sides of crops that are offered beside the suggested one. */
const SIDES = [128, 256, 512, 1024, 2048];

/** Whole images, and crops that are smaller than the largest image. */
export function scaleOptions({
  chosen,
  suggested,
  longestSide,
}: Pick<ScaleInfo, 'chosen' | 'suggested' | 'longestSide'>): { value: string; label: string }[] {
  const smaller = SIDES.filter((side) => longestSide === null || side < longestSide);
  const sides = [...smaller, ...[chosen, suggested].filter((one) => typeof one === 'number')];
  const scales: Scale[] = ['whole', ...[...new Set(sides)].sort((a, b) => a - b)];
  return scales.map((one) => ({
    value: String(one),
    label: `${scaleText(one)}${one === suggested ? ' (suggested)' : ''}`,
  }));
}

export const scaleText = (scale: Scale): string =>
  scale === 'whole' ? 'whole images' : `crops of ${scale} pixels`;
