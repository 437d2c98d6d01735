import type { ReactNode } from 'react';
import type { ChannelChoice, ChannelInfo } from '../../../worker/protocol.ts';
import { SelectField } from '../../components/SelectField.tsx';
import styles from './ImportPreview.module.css';

/** Chooses which channels of the images are shown as red, green and blue. */
export function ChannelFields(props: {
  readonly channels: ChannelInfo;
  readonly onChange: (shown: ChannelChoice) => void;
}): ReactNode {
  const { of, shown } = props.channels;
  const [red, green, blue] = shown;
  const options = Array.from({ length: of }, (_, i) => ({ value: String(i + 1), label: `channel ${i + 1}` }));
  const field = (label: string, value: number, choose: (channel: number) => ChannelChoice): ReactNode => (
    <SelectField
      label={label}
      value={String(value)}
      options={options}
      onChange={(channel) => props.onChange(choose(Number(channel)))}
    />
  );
  return (
    <fieldset className={`small ${styles.fields}`}>
      <legend className="visually-hidden">Channels of the images</legend>
      {field('Red shows', red, (channel) => [channel, green, blue])}
      {field('Green shows', green, (channel) => [red, channel, blue])}
      {field('Blue shows', blue, (channel) => [red, green, channel])}
      <p className={`muted ${styles.help}`}>
        The images have {of} channels. The same channel three times is shown as grey.
      </p>
    </fieldset>
  );
}
