import type { ReactNode } from 'react';

/**
 * In place of `react-remove-scroll`, which Radix imports (vite.config.ts): its lock writes a `<style>` element, which the
 * site's policy refuses, and the page itself does not scroll.
 */
export function RemoveScroll({ children }: { readonly children: ReactNode }): ReactNode {
  return children;
}
