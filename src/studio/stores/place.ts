/** Which of the four places is shown. The address's hash holds it, so the browser's back button works. */
import { create } from 'zustand';

export const PLACES = ['data', 'train', 'segment', 'export'] as const;
export type Place = (typeof PLACES)[number];

export const PLACE_LABELS: Readonly<Record<Place, string>> = {
  data: 'Data',
  train: 'Train',
  segment: 'Segment',
  export: 'Export',
};

/** "#/train" → "train"; anything unknown → "data". */
export function placeOfHash(hash: string): Place {
  return PLACES.find((place) => `#/${place}` === hash) ?? 'data';
}

/** Alt and a digit of the top row → its place, on every keyboard: with Alt, or without Shift, many give other characters. */
export function placeOfKey(event: Pick<KeyboardEvent, 'code' | 'altKey' | 'ctrlKey'>): Place | null {
  // AltGr writes characters; it comes as Ctrl with Alt.
  if (!event.altKey || event.ctrlKey) return null;
  return PLACES[Number(/^Digit(\d)$/.exec(event.code)?.[1]) - 1] ?? null;
}

export const usePlace = create<{ readonly place: Place }>()(() => ({ place: 'data' }));

export function goTo(place: Place): void {
  window.location.hash = `#/${place}`;
}

/** Keeps the store in step with the address; returns the function that ends it. */
export function followAddress(): () => void {
  const follow = (): void => usePlace.setState({ place: placeOfHash(window.location.hash) });
  follow();
  window.addEventListener('hashchange', follow);
  return () => window.removeEventListener('hashchange', follow);
}
