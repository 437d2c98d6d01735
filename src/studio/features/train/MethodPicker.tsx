import { type ReactNode, useId, useState } from 'react';
import type { Capabilities, TrainSettings } from '../../../worker/protocol.ts';
import { MethodSwatch } from '../../components/MethodSwatch.tsx';
import { chooseGate, chooseMethods, chooseTrainDecoder, isSameChoice } from '../../stores/setup.ts';
import styles from './Choices.module.css';

interface Option {
  readonly label: string;
  readonly help: string;
  readonly methods: readonly string[];
}

/** A recipe, a single method, or any combination of methods; the mask decoder; the gate form. */
export function MethodPicker(props: {
  readonly capabilities: Capabilities;
  readonly settings: TrainSettings;
}): ReactNode {
  const { capabilities, settings } = props;
  const group = useId();
  const [byHand, setByHand] = useState(false);
  const options = optionsOf(capabilities);
  const chosen = byHand
    ? undefined
    : options.find((option) => isSameChoice(option.methods, settings.methods));
  return (
    <div className="stack">
      <fieldset className="stack">
        <legend>Method</legend>
        <div className={styles.grid}>
          {options.map((option) => (
            <label key={option.label} className={styles.choice}>
              <input
                type="radio"
                name={group}
                checked={option === chosen}
                onChange={() => {
                  setByHand(false);
                  chooseMethods(option.methods);
                }}
              />
              <MethodText label={option.label} help={option.help} methods={option.methods} />
            </label>
          ))}
          <label className={styles.choice}>
            <input
              type="radio"
              name={group}
              checked={chosen === undefined}
              onChange={() => setByHand(true)}
            />
            <MethodText label="Custom" help="Combine methods yourself." methods={[]} />
          </label>
        </div>
      </fieldset>
      {chosen === undefined && <SubsetPicker capabilities={capabilities} chosen={settings.methods} />}
      <label className="row">
        <input
          type="checkbox"
          checked={settings.trainDecoder}
          disabled={settings.methods.length === 0}
          onChange={(event) => chooseTrainDecoder(event.target.checked)}
        />
        Also train the mask decoder
      </label>
      {settings.methods.length > 0 && <GatePicker capabilities={capabilities} settings={settings} />}
    </div>
  );
}

/** Recipes of several methods, each method alone, then recipes without a method. */
function optionsOf({ recipes, methods }: Capabilities): readonly Option[] {
  return [
    ...recipes.filter((recipe) => recipe.methods.length > 0),
    ...methods.map(({ id, label, help }) => ({ label, help, methods: [id] })),
    ...recipes.filter((recipe) => recipe.methods.length === 0),
  ];
}

function MethodText(props: Option): ReactNode {
  return (
    <span className={styles.text}>
      <span>
        {props.methods.length > 0 && (
          <span className={styles.swatches}>
            {props.methods.map((id) => (
              <MethodSwatch key={id} id={id} />
            ))}
          </span>
        )}
        {props.label}
      </span>
      <span className="muted small">{props.help}</span>
    </span>
  );
}

function SubsetPicker(props: {
  readonly capabilities: Capabilities;
  readonly chosen: readonly string[];
}): ReactNode {
  return (
    <fieldset className="row">
      <legend className="visually-hidden">Methods to combine</legend>
      {props.capabilities.methods.map((method) => (
        <label key={method.id} className="row">
          <input
            type="checkbox"
            checked={props.chosen.includes(method.id)}
            onChange={(event) =>
              // Keeps the registry's order.
              chooseMethods(
                props.capabilities.methods
                  .map((other) => other.id)
                  .filter((id) => (id === method.id ? event.target.checked : props.chosen.includes(id))),
              )
            }
          />
          <MethodSwatch id={method.id} />
          {method.label}
        </label>
      ))}
    </fieldset>
  );
}

function GatePicker(props: {
  readonly capabilities: Capabilities;
  readonly settings: TrainSettings;
}): ReactNode {
  const group = useId();
  const { gate, datasetIds } = props.settings;
  // With one dataset there is nothing to tell apart.
  const forms = props.capabilities.gateForms.filter(
    ({ id, varies }) => varies !== 'by-dataset' || datasetIds.length > 1 || id === gate,
  );
  return (
    <fieldset className="stack">
      <legend>Gates</legend>
      <div className={styles.grid}>
        {forms.map((form) => (
          <label key={form.id} className={styles.choice}>
            <input
              type="radio"
              name={group}
              checked={gate === form.id}
              onChange={() => chooseGate(form.id)}
            />
            <span className={styles.text}>
              <span>{form.label}</span>
              <span className="muted small">{form.help}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
