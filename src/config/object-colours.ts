/** Okabe and Ito's colours, told apart by colour-blind people too; of classes and, without classes, of objects. */
export const OBJECT_COLOURS = [
  '#e69f00',
  '#56b4e9',
  '#009e73',
  '#f0e442',
  '#d55e00',
  '#cc79a7',
  '#0072b2',
] as const;

/** The colour at a place among others, which come again after the last. @param index from 0. */
export function objectColourAt(index: number): (typeof OBJECT_COLOURS)[number] {
  return OBJECT_COLOURS[index % OBJECT_COLOURS.length] ?? OBJECT_COLOURS[0];
}

/** `#rrggbb` as red, green and blue, 0..255. */
export function rgbOf(colour: string): readonly [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
