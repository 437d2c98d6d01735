/** How the studio writes numbers: short, with units, the same everywhere. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1536 → "1.5 KiB". */
export function bytes(value: number): string {
  let amount = Math.max(0, value);
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : 1;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}

/** 4058340 → "4.06 M", 12800 → "12.8 k", 640 → "640". */
export function compact(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return String(value);
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

/** An IoU in 0..1 → "0.734". */
export function iou(value: number): string {
  return value.toFixed(3);
}

/** Milliseconds since the epoch → "24 Nov, 15:04". */
export function when(time: number): string {
  return new Date(time).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}
