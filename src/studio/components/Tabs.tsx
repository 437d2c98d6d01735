import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import styles from './Tabs.module.css';

interface Tab {
  readonly id: string;
  readonly label: string;
  readonly content: () => ReactNode;
}

/** One of several panels at a time; the arrow keys go from tab to tab. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }): ReactNode {
  const group = useId();
  const [chosenId, choose] = useState(tabs[0]?.id);
  const chosen = tabs.find(({ id }) => id === chosenId) ?? tabs[0];
  const onKey = (event: KeyboardEvent<HTMLDivElement>): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined || !chosen) return;
    const next = tabs[(tabs.indexOf(chosen) + by + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.id);
    document.getElementById(`${group}-${next.id}`)?.focus();
  };
  if (!chosen) return null;
  return (
    <div className="stack">
      <div role="tablist" aria-label={label} className={styles.tabs} onKeyDown={onKey}>
        {tabs.map(({ id, label: text }) => (
          <button
            key={id}
            id={`${group}-${id}`}
            type="button"
            role="tab"
            aria-selected={id === chosen.id}
            aria-controls={`${group}-panel`}
            tabIndex={id === chosen.id ? 0 : -1}
            className={id === chosen.id ? styles.chosen : styles.tab}
            onClick={() => choose(id)}
          >
            {text}
          </button>
        ))}
      </div>
      <div id={`${group}-panel`} role="tabpanel" aria-labelledby={`${group}-${chosen.id}`} className="stack">
        {chosen.content()}
      </div>
    </div>
  );
}
