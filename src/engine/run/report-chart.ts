/** Line charts as SVG text, for files that hold no script. */

export interface Line {
  readonly name: string;
  /** By ascending x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Told apart by people who see few colours (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

const WIDTH = 720;
const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 12, 12, 40];

/** Points that are drawn of a line at most: of more, the mean of neighbours. */
const MOST_POINTS = 400;

/**
 * A chart over steps with its legend; empty text where there is no point.
 * @param label what y is.
 */
export function chart(lines: readonly Line[], label: string): string {
  const shown = lines
    .map(({ name, points }) => ({ name, points: thinned(points.filter(([, y]) => Number.isFinite(y))) }))
    .filter(({ points }) => points.length > 0);
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const [left, right] = range(all.map(([x]) => x));
  const [low, high] = range(all.map(([, y]) => y));
  const x = (value: number) => LEFT + ((value - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    ...ticks(low, high).map(
      (value) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="currentColor" opacity="0.15"/>` +
        `<text x="${LEFT - 6}" y="${at(y(value) + 4)}" text-anchor="end">${value}</text>`,
    ),
    ...ticks(left, right).map(
      (value) => `<text x="${at(x(value))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${value}</text>`,
    ),
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">step</text>`,
    ...shown.map(({ points }, i) => {
      const path = points.map(([px, py], k) => `${k === 0 ? 'M' : 'L'}${at(x(px))} ${at(y(py))}`).join('');
      const [only] = points;
      const colour = COLOURS[i % COLOURS.length];
      return points.length === 1 && only
        ? `<circle cx="${at(x(only[0]))}" cy="${at(y(only[1]))}" r="3" fill="${colour}"/>`
        : `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`;
    }),
  ];
  const legend = shown.map(
    ({ name }, i) => `<span style="color:${COLOURS[i % COLOURS.length]}">■</span> ${escaped(name)}`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(label)} over steps">
${parts.join('\n')}
</svg>
<p>${escaped(label)}: ${legend.join(' &nbsp; ')}</p>`;
}

/** Text within HTML, attributes included. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const at = (value: number): string => value.toFixed(1);

function thinned(points: Line['points']): Line['points'] {
  const size = Math.ceil(points.length / MOST_POINTS);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const some = points.slice(i * size, (i + 1) * size);
    const mean = (k: 0 | 1) => some.reduce((sum, point) => sum + point[k], 0) / some.length;
    return [mean(0), mean(1)] as const;
  });
}

/** The least and the largest value, apart. */
function range(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** Round numbers within a range, about four. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}
