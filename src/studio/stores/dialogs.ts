/** The open modal dialogs. Nothing outside the topmost can be reached, so notices are shown inside it. */
import { create } from 'zustand';

/** Topmost last. */
const useDialogs = create<{ readonly open: readonly HTMLElement[] }>()(() => ({ open: [] }));

/** The topmost dialog; null when none is open. */
export function useTopDialog(): HTMLElement | null {
  return useDialogs((state) => state.open.at(-1) ?? null);
}

/** Puts a dialog on top of the others; returns the function that takes it away. */
export function stackDialog(dialog: HTMLElement): () => void {
  useDialogs.setState(({ open }) => ({ open: [...open, dialog] }));
  return () => useDialogs.setState(({ open }) => ({ open: open.filter((other) => other !== dialog) }));
}
