import type { ReactNode } from 'react';
import { Dialog } from './Dialog.tsx';
import styles from './ShortcutsDialog.module.css';

const KEYS: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['?', 'show this list'],
      ['Alt + 1 … 5', 'open Data, Train, Segment, Export or Models'],
      ['Tab', 'go to the next control'],
    ],
  },
  {
    title: 'On the Segment page, with the image focused',
    keys: [
      ['Arrows', 'move the crosshair (with Shift, ten pixels)'],
      ['Enter', 'click at the crosshair; with the Box tool, set one corner, then the other'],
      ['Shift + Enter', 'click with the opposite sign'],
      ['C, B, H', 'Click, Box or Move tool'],
      ['X', 'switch clicks between + and −'],
      ['1 … 4', 'choose a candidate'],
      ['T', 'switch between base and tuned'],
      ['W', 'segment the whole image'],
      ['Ctrl + Z, Ctrl + Y', 'undo, redo'],
      ['Delete or Backspace', 'clear all prompts'],
      ['+, −, 0', 'zoom in, zoom out, fit'],
      ['V', 'let the model look at the visible part, or always at the whole image'],
      ['S', 'save the mask as PNG'],
      ['K', 'keep the mask for Export'],
    ],
  },
];

/** All keyboard shortcuts; opens with `?`. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
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
