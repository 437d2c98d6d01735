/** What a tab keeps over a reload: where a person was, and what they chose there. */
import { useCallback } from 'react';
import * as v from 'valibot';
import { create, type StoreApi } from 'zustand';

const keyOf = (name: string): string => `mopeft.tab.${name}`;

/**
 * Keeps a part of a store in this tab, and shows what was kept there before. Each tab has its own, so that two of them do not
 * change each other.
 * @param entries what is kept, and what it must be; all or nothing of what was kept is shown.
 * @returns whether anything was.
 */
export function keepInTab<S extends object>(
  store: Pick<StoreApi<S>, 'getState' | 'setState' | 'subscribe'>,
  name: string,
  entries: { readonly [K in keyof S]?: v.GenericSchema<unknown, S[K]> },
): boolean {
  const names = Object.keys(entries) as (keyof S)[];
  const stored = v.safeParse(v.object(entries as v.ObjectEntries), read(name));
  if (stored.success) store.setState(stored.output as Partial<S>);
  store.subscribe((now, before) => {
    if (names.every((each) => now[each] === before[each])) return;
    write(name, Object.fromEntries(names.map((each) => [each, now[each]])));
  });
  return stored.success;
}

function read(name: string): unknown {
  try {
    return JSON.parse(window.sessionStorage.getItem(keyOf(name)) ?? 'null');
  } catch {
    // Nothing was kept, or the browser forbids it.
    return null;
  }
}

function write(name: string, value: unknown): void {
  try {
    window.sessionStorage.setItem(keyOf(name), JSON.stringify(value));
  } catch {
    // A reload then begins anew.
  }
}

type Choice = string | boolean;

/** Choices of the pages that no store has, by their names. */
const useChoices = create<{ readonly choices: Readonly<Record<string, Choice>> }>()(() => ({ choices: {} }));
keepInTab(useChoices, 'choices', { choices: v.record(v.string(), v.union([v.string(), v.boolean()])) });

type Widened<T extends Choice> = T extends string ? string : boolean;

/** As React's `useState`, for a choice that stays while its page is left, and over a reload. */
export function useKept<T extends Choice>(
  name: string,
  initial: T,
): [Widened<T>, (value: Widened<T>) => void] {
  const kept = useChoices(({ choices }) => choices[name]);
  const value = (typeof kept === typeof initial ? kept : initial) as Widened<T>;
  const choose = useCallback(
    (chosen: Widened<T>) =>
      useChoices.setState(({ choices }) => ({ choices: { ...choices, [name]: chosen } })),
    [name],
  );
  return [value, choose];
}
