/** The open modal dialogs. Nothing outside the topmost can be reached, so notices are shown inside it. */
import { create } from 'zustand';

interface OpenDialog {
  readonly element: HTMLElement;
  readonly close: () => void;
}

/** Topmost last. */
const useDialogs = create<{ readonly open: readonly OpenDialog[] }>()(() => ({ open: [] }));

/** The topmost dialog; null when none is open. */
export function useTopDialog(): HTMLElement | null {
  return useDialogs((state) => state.open.at(-1)?.element ?? null);
}

/** Puts a dialog on top of the others; returns the function that takes it away. */
export function stackDialog(dialog: OpenDialog): () => void {
  useDialogs.setState(({ open }) => ({ open: [...open, dialog] }));
  return () => useDialogs.setState(({ open }) => ({ open: open.filter((other) => other !== dialog) }));
}

/** Closes the topmost dialog, if one is open. */
export function closeTopDialog(): void {
  useDialogs.getState().open.at(-1)?.close();
}
