/** How numbers are written in sentences, the same on screens, in reports and on the command line. */

/** "1 image", "24 images". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** A change with its sign: "+0.120", "−0.004"; without one where it rounds to nothing, "0.000". */
export function signed(value: number, digits = 3): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return value > 0 ? `+${text}` : `−${text}`;
}
