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

/** Seconds → "40 ms", "3.2 s", "4 min 5 s", "2 h 10 min", on one line. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 0.9995) return together(`${Math.round(seconds * 1000)} ms`);
  if (seconds < 59.95) return together(`${seconds.toFixed(1)} s`);
  const whole = Math.round(seconds);
  if (whole < 3600) return inUnits(whole, 'min', 's');
  return inUnits(Math.floor(whole / 60), 'h', 'min');
}

/** Seconds of something that is only estimated → "half a minute", "4 min", "2 h 10 min", "5 h". */
export function minutes(seconds: number): string {
  if (seconds < 20) return together(`${Math.max(1, Math.round(seconds))} s`);
  if (seconds < 45) return together('half a minute');
  const whole = Math.round(seconds / 60);
  if (whole < 60) return together(`${whole} min`);
  return inUnits(ROUGH * Math.round(whole / ROUGH), 'h', 'min');
}

/** Minutes to which an estimate of hours is rounded. */
const ROUGH = 5;

/** An amount of the smaller unit, 60 of which are the larger, in both; none of the smaller is left out. */
function inUnits(amount: number, large: string, small: string): string {
  const rest = amount % 60;
  return together(`${Math.floor(amount / 60)} ${large}${rest > 0 ? ` ${rest} ${small}` : ''}`);
}

/** A time that is cut at the end of a line reads as another one. */
const together = (text: string): string => text.replaceAll(' ', '\u00a0');
