import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useRef } from 'react';
import styles from './VirtualList.module.css';

/**
 * A list that scrolls and holds only the rows in view, however many there are.
 * @param rowHeight pixels of a usual row; rows may be higher.
 */
export function VirtualList<T>(props: {
  readonly label: string;
  readonly items: readonly T[];
  readonly rowHeight: number;
  readonly render: (item: T, index: number) => ReactNode;
  readonly className?: string | undefined;
}): ReactNode {
  const { label, items, rowHeight, render, className = '' } = props;
  const scrolled = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scrolled.current,
    estimateSize: () => rowHeight,
    overscan: 6,
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard
    <div ref={scrolled} className={`${styles.scrolled} ${className}`} tabIndex={0}>
      <ul aria-label={label} className={styles.rows} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index];
          return (
            item !== undefined && (
              <li
                key={key}
                ref={rows.measureElement}
                data-index={index}
                aria-setsize={items.length}
                aria-posinset={index + 1}
                className={styles.row}
                style={{ transform: `translateY(${start}px)` }}
              >
                {render(item, index)}
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}
