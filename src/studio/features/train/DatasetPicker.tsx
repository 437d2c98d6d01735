import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import type { Capabilities, Scale, ScaleInfo, TrainSettings } from '../../../worker/protocol.ts';
import { setScale, useDatasets } from '../../stores/datasets.ts';
import { chooseGate, tellsDatasetsApart, toggleDataset, useSetup } from '../../stores/setup.ts';
import { scaleText } from '../data/ScaleField.tsx';
import styles from './Choices.module.css';

/** Chooses the datasets to train on; several are sampled evenly. */
export function DatasetPicker(props: {
  readonly capabilities: Capabilities;
  readonly settings: TrainSettings;
}): ReactNode {
  const chosen = props.settings.datasetIds;
  const datasets = useDatasets((state) => state.datasets);
  const trainable = datasets.filter((dataset) => dataset.split.train > 0);
  return (
    <fieldset className="stack">
      <legend>Datasets</legend>
      {trainable.length === 0 && (
        <p>
          No dataset with masks yet. <a href="#/data">Add images with masks, or try the demo</a>.
        </p>
      )}
      <div className={styles.grid}>
        {trainable.map((dataset) => (
          <label key={dataset.id} className={styles.choice}>
            <input
              type="checkbox"
              checked={chosen.includes(dataset.id)}
              onChange={(event) => toggleDataset(dataset.id, event.target.checked)}
            />
            <span className={styles.text}>
              <span>{dataset.name}</span>
              <span className="muted small">
                {plural(dataset.maskedCount, 'image')} with {plural(dataset.objectCount, 'object')} ·{' '}
                {scaleText(dataset.scale.chosen)}
              </span>
            </span>
          </label>
        ))}
      </div>
      {trainable.map(
        ({ id, name, scale }) =>
          chosen.includes(id) &&
          scale.closer !== null &&
          scale.suggested !== null && (
            <Closer key={id} datasetId={id} name={name} scale={scale} suggested={scale.suggested} />
          ),
      )}
      <Opposed {...props} />
    </fieldset>
  );
}

/** Says which of the chosen datasets contradict each other, and offers gates that keep them apart. */
function Opposed(props: {
  readonly capabilities: Capabilities;
  readonly settings: TrainSettings;
}): ReactNode {
  const { methods, datasetIds } = props.settings;
  const found = useSetup(({ plan }) => plan?.opposed) ?? [];
  const { gateForms } = props.capabilities;
  const apart = gateForms.find(({ varies }) => varies === 'by-dataset');
  if (found.length === 0 || datasetIds.length < 2) return null;
  if (tellsDatasetsApart(props.settings, gateForms)) {
    const named = found.map(({ names }) => `“${names[0]}” and “${names[1]}”`).join(', ');
    return <p className="muted small">{named} are kept apart; Segment asks which is meant.</p>;
  }
  return (
    <div className="attention small stack">
      {found.map((each) => (
        <p key={each.names.join()}>
          {each.sentence} Gates by dataset keep them apart; Segment then asks which is meant.
        </p>
      ))}
      {apart && methods.length > 0 && (
        <div>
          <button type="button" onClick={() => chooseGate(apart.id)}>
            Keep them apart
          </button>
        </div>
      )}
    </div>
  );
}

/** Offers the crops in which the model would see the objects of a dataset better. */
function Closer(props: {
  readonly datasetId: string;
  readonly name: string;
  readonly scale: ScaleInfo;
  readonly suggested: Scale;
}): ReactNode {
  const { datasetId, name, scale, suggested } = props;
  return (
    <div className="attention small stack">
      <p>
        {name}: {scale.sentence} {scale.closer}
      </p>
      <div>
        <button type="button" onClick={() => void setScale(datasetId, suggested)}>
          See {scaleText(suggested)}
        </button>
      </div>
    </div>
  );
}
