/** The modal dialogs that are open. All else on the page is inert: what must be seen, heard and closed goes into the top one. */
import { create } from 'zustand';

/** Topmost last. */
const useDialogs = create<{ readonly open: readonly HTMLDialogElement[] }>()(() => ({ open: [] }));

/** The one that takes keys and clicks; null when none is open. */
export function useTopDialog(): HTMLDialogElement | null {
  return useDialogs((state) => state.open.at(-1) ?? null);
}

/** Shows a dialog above all that is open; returns the function that closes it. */
export function showDialog(dialog: HTMLDialogElement): () => void {
  dialog.showModal();
  useDialogs.setState(({ open }) => ({ open: [...open, dialog] }));
  return () => {
    useDialogs.setState(({ open }) => ({ open: open.filter((other) => other !== dialog) }));
    dialog.close();
  };
}
