/** Dark, light or the system's theme; remembered on this device. */
import { create } from 'zustand';

export const THEMES = ['system', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'mopeft.theme';

function remembered(): Theme {
  try {
    const stored = window.localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? 'system';
  } catch {
    // The browser may forbid storage.
    return 'system';
  }
}

export const useTheme = create<{ readonly theme: Theme }>()(() => ({ theme: 'system' }));

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  useTheme.setState({ theme });
}

export function startTheme(): void {
  apply(remembered());
}

export function chooseTheme(theme: Theme): void {
  try {
    window.localStorage.setItem(KEY, theme);
  } catch {
    // The choice then lasts as long as the page.
  }
  apply(theme);
}
