import type { ReactNode } from 'react';
import { Dialog } from './Dialog.tsx';
import styles from './KeysHelp.module.css';

const KEYS: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['?', 'this list'],
      ['Alt + 1 … 4', 'Data, Train, Segment, Export'],
      ['Tab', 'to the next control'],
    ],
  },
  {
    title: 'Segment, with the image focused',
    keys: [
      ['Arrows', 'move the cross (with Shift: ten pixels)'],
      ['Enter', 'click + at the cross; with the box tool: first, then second corner'],
      ['Shift + Enter', 'click −'],
      ['C, B, H', 'click tool, box tool, move tool'],
      ['X', 'plain clicks mean + or −'],
      ['1 … 4', 'choose a candidate'],
      ['T', 'base or tuned'],
      ['W', 'the whole image'],
      ['Ctrl + Z, Ctrl + Y', 'undo, redo'],
      ['Delete or Backspace', 'start again without prompts'],
      ['+, −, 0', 'zoom in, out, fit'],
      ['S', 'save the mask as PNG'],
      ['K', 'keep the mask for Export'],
    ],
  },
];

/** Every key, on `?`. */
export function KeysHelp({ onClose }: { readonly onClose: () => void }): ReactNode {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="stack">
        {KEYS.map((group) => (
          <section key={group.title} className="stack">
            <h3>{group.title}</h3>
            <dl className={styles.keys}>
              {group.keys.map(([key, meaning]) => (
                <div key={key} className={styles.pair}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
