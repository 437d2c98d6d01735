import { Tabs as Primitive } from 'radix-ui';
import type { ReactNode } from 'react';
import { useKept } from '../stores/kept.ts';
import styles from './Tabs.module.css';

interface Tab {
  readonly id: string;
  readonly label: string;
  readonly content: () => ReactNode;
}

/** One of several panels at a time; the arrow keys go from tab to tab. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }): ReactNode {
  const [first] = tabs;
  const [chosen, choose] = useKept(`tab of ${label}`, '');
  if (!first) return null;
  // What was chosen may not be there now.
  const shown = tabs.find(({ id }) => id === chosen) ?? first;
  return (
    <Primitive.Root className="stack" value={shown.id} onValueChange={choose}>
      <Primitive.List className={styles.tabs} aria-label={label}>
        {tabs.map(({ id, label: text }) => (
          <Primitive.Trigger key={id} value={id} className={styles.tab}>
            {text}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map(({ id, content }) => (
        <Primitive.Content key={id} value={id} className="stack">
          <Panel content={content} />
        </Primitive.Content>
      ))}
    </Primitive.Root>
  );
}

/** Rendered, and so computed, for the chosen tab only. */
function Panel({ content }: { readonly content: () => ReactNode }): ReactNode {
  return content();
}
