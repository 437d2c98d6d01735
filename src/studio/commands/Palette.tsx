import { Command as Primitive } from 'cmdk';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { Dialog } from '../components/Dialog.tsx';
import { loadSamples, useDatasets } from '../stores/datasets.ts';
import { commandGroups, imageCommands, matching } from './commands.ts';
import styles from './Palette.module.css';

/** More images than these are not drawn; a longer query finds them. */
const IMAGES_SHOWN = 12;

/** Finds and runs whatever the studio offers by a part of its name; opens with Ctrl + K. */
export default function Palette(props: {
  readonly onClose: () => void;
  readonly onKeys: () => void;
}): ReactNode {
  const [query, setQuery] = useState('');
  const { datasets, samples } = useDatasets();
  useEffect(() => {
    for (const { id } of datasets) void loadSamples(id);
  }, [datasets]);
  const groups = useMemo(() => commandGroups(props.onKeys), [props.onKeys]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stores are read as they are now
  const images = useMemo(imageCommands, [datasets, samples]);
  const found = query.trim() === '' ? [] : matching(images, query).slice(0, IMAGES_SHOWN);
  const shown = [
    ...groups.map(({ title, commands }) => ({ title, commands: matching(commands, query) })),
    { title: 'Images', commands: found },
  ].filter(({ commands }) => commands.length > 0);
  return (
    <Dialog title="Go to or do" onClose={props.onClose}>
      <Primitive label="Go to or do" shouldFilter={false} loop>
        <Primitive.Input
          autoFocus
          className={styles.input}
          value={query}
          onValueChange={setQuery}
          placeholder="A page, an action, a dataset, an image, a run …"
        />
        <Primitive.List className={styles.list} hidden={shown.length === 0} label="Found">
          {shown.map(({ title, commands }) => (
            <Primitive.Group key={title} heading={title} className={styles.group}>
              {commands.map((command) => (
                <Primitive.Item
                  key={command.id}
                  value={command.id}
                  className={styles.item}
                  onSelect={() => {
                    props.onClose();
                    command.run();
                  }}
                >
                  <span className={styles.label}>{command.label}</span>
                  <span className="muted small">{command.note}</span>
                </Primitive.Item>
              ))}
            </Primitive.Group>
          ))}
        </Primitive.List>
        {/* Beside the list, which may hold options only. */}
        <p role="status" className={shown.length === 0 ? styles.empty : 'visually-hidden'}>
          {shown.length === 0 && 'Nothing has this name.'}
        </p>
      </Primitive>
    </Dialog>
  );
}
