/** Path of a Chromium that is installed: MOPEFT_CHROMIUM, the search path, the usual places; null when there is none. */
export function findChromium(): string | null;

/** Finds or installs a Chromium; null when Playwright's own download is to be used. */
export function ensureChromium(root: string): Promise<string | null>;
