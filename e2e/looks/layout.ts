/** What of a screen is cut off or lies on something else, found by the boxes of its texts and controls. */
import type { Page } from '@playwright/test';

/** Names the faults of what is shown; none where all is well. */
export function layoutFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const Slack = 1.5;
    const faults: string[] = [];
    const nameOf = (element: Element): string => {
      const text = (element.textContent || element.getAttribute('aria-label') || '').trim().slice(0, 40);
      return `${element.tagName.toLowerCase()} "${text}"`;
    };
    const dialog = [...document.querySelectorAll('[role="dialog"]')].at(-1);
    const roots = dialog ? [dialog] : [...document.querySelectorAll('header, main')];

    const panels = roots.flatMap((root) => [...root.querySelectorAll('aside')]);
    for (const root of [document.documentElement, ...roots, ...panels])
      if (root.scrollWidth > root.clientWidth + Slack) faults.push(`${nameOf(root)} scrolls sideways`);
    for (const root of roots) {
      const bottoms = [...root.children].map((child) => child.getBoundingClientRect().bottom);
      const end = Math.max(...bottoms) - root.getBoundingClientRect().top + root.scrollTop;
      const padding = Number.parseFloat(getComputedStyle(root).paddingBottom);
      if (root.scrollHeight > Math.max(root.clientHeight, end + padding) + Slack)
        faults.push(`${nameOf(root)} scrolls beyond what is in it`);
    }

    /** Whether something above it has left the flow, such as a mark on an image, which may lie on others. */
    const floats = (element: Element): boolean => {
      for (let at: Element | null = element; at && !roots.includes(at); at = at.parentElement)
        if (/absolute|fixed|sticky/.test(getComputedStyle(at).position)) return true;
      return false;
    };
    /** Between which heights it is seen: what has scrolled out of a panel lies on nothing. */
    const inSight = (element: Element, { top, bottom }: DOMRect, root: Element) => {
      for (let at = element.parentElement; at && at !== root; at = at.parentElement) {
        if (getComputedStyle(at).overflowY === 'visible') continue;
        const edge = at.getBoundingClientRect();
        top = Math.max(top, edge.top);
        bottom = Math.min(bottom, edge.bottom);
      }
      return { top, bottom };
    };
    interface Box {
      readonly element: Element;
      readonly left: number;
      readonly top: number;
      readonly right: number;
      readonly bottom: number;
    }
    const boxes: Box[] = [];
    const Controls = 'button, input, select, textarea, summary, [role="slider"]';
    for (const root of roots) {
      for (const element of root.querySelectorAll('*')) {
        if (
          element.closest('svg') ||
          !element.checkVisibility({ visibilityProperty: true }) ||
          floats(element)
        )
          continue;
        const style = getComputedStyle(element);
        if (style.overflowX !== 'visible' && style.overflowX !== 'auto' && style.overflowX !== 'scroll') {
          const isShortened = style.textOverflow === 'ellipsis' && element.hasAttribute('title');
          if (element.scrollWidth > element.clientWidth + Slack && !isShortened && element.clientWidth > 0)
            faults.push(`${nameOf(element)} is cut off`);
        }
        const rects: DOMRect[] = [];
        if (element.matches(Controls)) rects.push(element.getBoundingClientRect());
        else if (!element.closest(Controls))
          for (const node of element.childNodes)
            if (node.nodeType === Node.TEXT_NODE && node.textContent?.trim()) {
              const range = document.createRange();
              range.selectNodeContents(node);
              rects.push(...range.getClientRects());
            }
        for (const rect of rects) {
          const { top, bottom } = inSight(element, rect, root);
          if (rect.width > 2 && bottom - top > 2)
            boxes.push({ element, left: rect.left, top, right: rect.right, bottom });
        }
      }
    }
    for (const box of boxes) {
      const holder = box.element.closest('[role="dialog"], header, main');
      const edge = holder?.getBoundingClientRect();
      const isScrolled = (() => {
        for (let at = box.element.parentElement; at && at !== holder; at = at.parentElement)
          if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return true;
        return false;
      })();
      if (edge && !isScrolled && (box.right > edge.right + Slack || box.left < edge.left - Slack))
        faults.push(`${nameOf(box.element)} reaches beyond the edge`);
    }
    for (const [i, a] of boxes.entries())
      for (const b of boxes.slice(i + 1)) {
        if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > Slack && down > Slack + 2)
          faults.push(
            `${nameOf(a.element)} lies on ${nameOf(b.element)} by ${across.toFixed(0)} × ${down.toFixed(0)}`,
          );
      }
    return [...new Set(faults)];
  });
}
