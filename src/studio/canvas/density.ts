/** Device pixels to a CSS pixel: the browser's zoom, or a window on another screen, changes them where no size in CSS pixels need change. */
export const density = (): number => window.devicePixelRatio;

/** Calls back at every change of {@link density}. @returns what ends it. */
export function watchDensity(changed: () => void): () => void {
  const ending = new AbortController();
  const wait = (): void => {
    const query = window.matchMedia(`(resolution: ${density()}dppx)`);
    const heard = (): void => {
      wait();
      changed();
    };
    query.addEventListener('change', heard, { once: true, signal: ending.signal });
  };
  wait();
  return () => ending.abort();
}
