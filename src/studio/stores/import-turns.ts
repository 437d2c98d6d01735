/** Imports come one after the other: what is dropped meanwhile waits for its turn, and can be taken back. */
import { create } from 'zustand';
import { notifySuccess } from './notices.ts';
import { usePage } from './page.ts';

/** What comes one at a time: an import that runs, files that are shown before they are imported, a project alike. */
type TurnKind = 'import' | 'files' | 'project';

export interface WaitingImport {
  readonly id: number;
  /** Of what was dropped. */
  readonly name: string;
  readonly kind: TurnKind;
  readonly cancel: () => void;
}

interface ImportTurnsState {
  /** Turns that are under way, of all kinds. */
  readonly begun: number;
  /** In the order in which they came. */
  readonly waiting: readonly WaitingImport[];
}

export const useImportTurns = create<ImportTurnsState>()(() => ({ begun: 0, waiting: [] }));

const set = useImportTurns.setState;
let count = 0;

class Turns {
  private current: string | null = null;
  private readonly next: (() => void)[] = [];

  constructor(private readonly kind: TurnKind) {}

  /** Of what has the turn; empty where nothing has. */
  get name(): string {
    return this.current ?? '';
  }

  /**
   * Waits for a turn, which whoever gets it has to {@link end}.
   * @param name of what was dropped.
   * @returns false where it was taken back while it waited.
   */
  async take(name: string): Promise<boolean> {
    if (this.current !== null) return this.wait(name);
    this.current = name;
    set(({ begun }) => ({ begun: begun + 1 }));
    return true;
  }

  /** Gives the turn to what waits longest. */
  end(): void {
    const begin = this.next.shift();
    if (begin) begin();
    else {
      this.current = null;
      set(({ begun }) => ({ begun: begun - 1 }));
    }
  }

  private wait(name: string): Promise<boolean> {
    return new Promise((resolve) => {
      const id = ++count;
      const leave = (hasTurn: boolean): void => {
        set(({ waiting }) => ({ waiting: waiting.filter((each) => each.id !== id) }));
        resolve(hasTurn);
      };
      const begin = (): void => {
        this.current = name;
        leave(true);
      };
      const cancel = (): void => {
        this.next.splice(this.next.indexOf(begin), 1);
        leave(false);
      };
      this.next.push(begin);
      set(({ waiting }) => ({ waiting: [...waiting, { id, name, kind: this.kind, cancel }] }));
      // There it is in sight.
      if (usePage.getState().page !== 'data') notifySuccess(`${name} waits for its turn on the Data page.`);
    });
  }
}

export const importTurns = new Turns('import');
/** From the drop until a person has imported or discarded it. */
export const filesTurns = new Turns('files');
/** From the drop until a person has added or left it. */
export const projectTurns = new Turns('project');
