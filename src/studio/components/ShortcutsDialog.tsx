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
    title: 'Segment, with the image focused: tools',
    keys: [
      ['Arrows', 'move the crosshair (with Shift, ten pixels)'],
      ['Space', 'click at the crosshair; begin and end a box, a stroke or a cut; set a corner of a polygon'],
      ['Shift + Space', 'click with the opposite sign; a box for a further object; erase; choose one more'],
      ['C, B', 'click; draw a box'],
      ['P, E', 'brush; eraser'],
      ['[, ]', 'smaller or larger brush'],
      ['L', 'polygon (Enter closes it, Backspace takes the last corner back)'],
      ['U', 'cut objects along a line'],
      ['A', 'select objects (with any tool: Alt + click)'],
      ['H', 'move the image'],
      ['X', 'switch clicks between + and −'],
      ['Escape', 'give up what is being drawn; let the chosen objects go'],
      ['+, −, 0', 'zoom in, zoom out, fit'],
    ],
  },
  {
    title: 'Segment: objects and images',
    keys: [
      ['1 … 4', 'choose among the masks that are offered'],
      ['Enter', 'add the mask as an object'],
      ['1 … 9', 'class of the chosen objects and of the next one, while no masks are offered'],
      ['O, Shift + O', 'choose the next or the previous object'],
      ['J, I', 'merge the chosen objects; split them into their parts'],
      ['D', 'duplicate the chosen objects'],
      ['F, G', 'fill holes; smooth the edge'],
      ['Delete or Backspace', 'clear the prompts, or else delete the chosen objects'],
      ['Ctrl + Z, Ctrl + Y', 'undo, redo'],
      ['N', 'done: go to the next image to label'],
      ['Page Up, Page Down', 'the image before or after'],
    ],
  },
  {
    title: 'Segment: model',
    keys: [
      ['T', 'switch between base and tuned'],
      ['W', 'segment the whole image'],
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
