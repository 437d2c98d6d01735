/** Dark, light, or as the system has it; remembered on this device. */
import { create } from 'zustand';

export const THEMES = ['system', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'mopeft.theme';

function remembered(): Theme {
  try {
    const stored = window.localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? 'system';
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
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
    // As above.
  }
  apply(theme);
}
