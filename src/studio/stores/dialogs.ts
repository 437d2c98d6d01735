/** The open modal dialogs. Everything outside the topmost is inert, so notices are shown inside it. */
import { create } from 'zustand';

/** Topmost last. */
const useDialogs = create<{ readonly open: readonly HTMLDialogElement[] }>()(() => ({ open: [] }));

/** The topmost dialog; null when none is open. */
export function useTopDialog(): HTMLDialogElement | null {
  return useDialogs((state) => state.open.at(-1) ?? null);
}

/** Opens a dialog on top of the others; returns the function that closes it. */
export function showDialog(dialog: HTMLDialogElement): () => void {
  dialog.showModal();
  useDialogs.setState(({ open }) => ({ open: [...open, dialog] }));
  return () => {
    useDialogs.setState(({ open }) => ({ open: open.filter((other) => other !== dialog) }));
    dialog.close();
  };
}
