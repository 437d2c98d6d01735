/**
 * Keeps what is drawn in an element out of the Tab order. Recharts draws by React's portals, which listen to the focus, and
 * Chromium takes any element of SVG with such a listener for a control.
 * @returns the function that ends it.
 */
export function keepUnfocusable(element: Element): () => void {
  const mark = (): void => {
    for (const layer of element.querySelectorAll('svg > g:not([tabindex])'))
      layer.setAttribute('tabindex', '-1');
  };
  const observer = new MutationObserver(mark);
  observer.observe(element, { childList: true, subtree: true });
  mark();
  return () => observer.disconnect();
}
