/** What a key does, said once: for its handler, for the list behind `?`, and for the command palette. */

export type Key = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'> & {
  readonly repeat?: boolean;
};

interface Bound {
  /** Names of keys as `keyName` gives them. */
  readonly on: readonly string[];
  /** Lines of the list: the keys as a person reads them, and what they do. Empty where another line says it. */
  readonly list: readonly (readonly [keys: string, help: string])[];
  /** Whether it is done again and again while the key is held; else once. */
  readonly repeats?: boolean;
}

/** One that `T` is needed for, or one that can be run from anywhere and stands in the palette under `command`. */
export type KeyBinding<T> = Bound &
  (
    | { readonly command?: undefined; readonly run: (target: T, event: Key) => void }
    | { readonly command: string; readonly run: () => void }
  );

export interface KeyGroup<T> {
  readonly title: string;
  readonly bindings: readonly KeyBinding<T>[];
}

/**
 * One name for a key on all keyboards: `c`, `2`, `Enter`, `Ctrl+Shift+z` (also for ⌘), `Alt+3`. A digit of the top row is told
 * by its place too, since a French keyboard writes digits with Shift only.
 */
export function keyName({ key, code, shiftKey, ctrlKey, metaKey, altKey }: Key): string {
  // AltGr writes characters, brackets on many keyboards; it comes as Ctrl with Alt.
  if (key.startsWith('Arrow') || (ctrlKey && altKey)) return key;
  const character = key.length === 1 ? key.toLowerCase() : key;
  if (ctrlKey || metaKey) return `Ctrl+${shiftKey ? 'Shift+' : ''}${character}`;
  const written = /^[1-9]$/.exec(key)?.[0];
  const placed = shiftKey ? undefined : /^Digit([1-9])$/.exec(code)?.[1];
  if (altKey) return `Alt+${placed ?? character}`;
  return written ?? placed ?? character;
}

/** Runs what a key is bound to; whether it is bound. */
export function runKey<T>(groups: readonly KeyGroup<T>[], event: Key, target: T): boolean {
  const name = keyName(event);
  for (const { bindings } of groups) {
    const binding = bindings.find(({ on }) => on.includes(name));
    if (!binding) continue;
    if (event.repeat && !binding.repeats) return true;
    if (binding.command === undefined) binding.run(target, event);
    else binding.run();
    return true;
  }
  return false;
}
