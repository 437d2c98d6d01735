/** Which value is the background. */
import { listed } from '../annotations/image-remarks.ts';
import { distance } from './bins.ts';
import { type Findings, type Known, same } from './findings.ts';
import { isRim, isStripe } from './ignored.ts';
import { settingText, TRANSPARENT } from './reading.ts';

/** The background of all masks, with the masks said that look inverted. */
export function backgroundOf(findings: Findings, known: readonly Known[]): number | null {
  const background = backgroundOfAll(findings, known);
  lookAtInverted(findings, known, background);
  return background;
}

/** Masks of two values in which what is background elsewhere is surrounded by the other. */
function lookAtInverted(findings: Findings, known: readonly Known[], background: number | null): void {
  const other = known.find(({ value }) => !same(value, background));
  if (background === null || !other || known.length !== 2) return;
  const { kind, statistics } = findings.gathered;
  const isOther = (value: number) => distance(value, other.value, kind) < distance(value, background, kind);
  const inverted = statistics.frames.filter(({ value }) => isOther(value)).map(({ file }) => file);
  const upright = statistics.frames.length - inverted.length;
  // Where objects mostly reach the edges, one that fills an image but for a hole is no wonder. Where all are alike it is the
  // background that is in question, which is said with it.
  if (inverted.length === 0 || 2 * upright < findings.stats.masks) return;
  const [first = ''] = inverted;
  findings.look(
    'data/mask-inverted',
    `${inverted.length} of ${findings.stats.masks} masks look inverted: in ${listed(inverted)} ${findings.text(other.value)}, the foreground of the others, lies around ${findings.text(background)} and touches every edge.`,
    'Look at their objects in the preview; if they are inverted, exchange the two values in these files.',
    inverted.length === 1 ? first : undefined,
  );
}

function backgroundOfAll(findings: Findings, known: readonly Known[]): number | null {
  const { changes } = findings;
  if (changes.background !== undefined) {
    findings.evidence.push(`${findings.text(changes.background)} is the background, as you chose.`);
    return changes.background;
  }
  const { background } = findings.named ?? {};
  if (background) {
    findings.evidence.push(`${findings.text(background.value)} is background: ${background.why}.`);
    return background.value;
  }
  if (findings.named?.allBy) {
    findings.evidence.push(`No value is background: ${findings.named.allBy} names each as a class.`);
    return null;
  }
  const usual = usualBackground(findings, known);
  const usualKnown = known.find(({ value }) => same(value, usual));
  const best = known.reduce((a, b) => (findings.edgeShare(b) > findings.edgeShare(a) ? b : a));
  if (usualKnown && best === usualKnown) return certain(findings, usualKnown);
  if (usualKnown) return againstUsual(findings, usualKnown, best, known);
  if (fillsFrame(findings, best) && known.length > 1) {
    if (findings.samples === 'colour' && best.value === 0xffffff) return certain(findings, best);
    uncertain(findings, best);
    return best.value;
  }
  return noBackground(findings, usual, known);
}

/** 0, black, what is transparent, or NaN. */
function usualBackground(findings: Findings, known: readonly Known[]): number {
  const has = (value: number) => known.some((one) => same(one.value, value));
  if (findings.samples === 'colour' && has(TRANSPARENT)) return TRANSPARENT;
  if (findings.samples === 'palette') {
    const isBlack = (index: number) => findings.stats.palette?.get(index) === 0;
    const black = known.find(({ value }) => value !== 0 && isBlack(value));
    return black && !isBlack(0) ? black.value : 0;
  }
  return !has(0) && has(Number.NaN) ? Number.NaN : 0;
}

function certain(findings: Findings, one: Known): number {
  const why = one.value === 0 || findings.samples !== 'palette' ? '' : ', which the palette shows black';
  findings.evidence.push(`${findings.value(one)} is background${why}: ${findings.shares(one)}.`);
  return one.value;
}

function uncertain(findings: Findings, one: Known): void {
  const what = `${findings.value(one)} is taken as background: ${findings.shares(one)}.`;
  findings.evidence.push(what);
  findings.look('data/reading-background', what, otherBackground());
}

/** 0 occurs, but another value fills the frame. */
function againstUsual(findings: Findings, usual: Known, best: Known, known: readonly Known[]): number {
  const isFilled = fillsFrame(findings, best) && findings.share(best) > findings.share(usual);
  const isSurrounded =
    isFilled && findings.edgeShare(usual) <= 0.02 && best.edgeMasks >= 0.9 * findings.stats.masks;
  if (known.length === 2) {
    if (isSurrounded) {
      const what = `${findings.value(best)} is taken as background and ${findings.text(usual.value)} as foreground, inverted: ${findings.shares(best)}.`;
      findings.evidence.push(what);
      findings.look('data/reading-background', what, otherBackground());
      return best.value;
    }
    if (isFilled && findings.edgeShare(best) >= 0.9) doubtful(findings, usual, best);
    return certain(findings, usual);
  }
  if (
    isSurrounded ||
    (isFilled &&
      (isStripe(usual) ||
        isRim(
          findings,
          usual,
          known.filter((one) => one !== best),
          best.value,
        )))
  ) {
    uncertain(findings, best);
    return best.value;
  }
  if (isFilled && findings.share(best) >= 0.75 && findings.edgeShare(best) >= 0.75)
    doubtful(findings, usual, best);
  return certain(findings, usual);
}

function doubtful(findings: Findings, usual: Known, best: Known): void {
  findings.look(
    'data/reading-background',
    `${findings.value(usual)} is taken as background, although ${findings.text(best.value)} may be it: ${findings.shares(best)}.`,
    `If ${findings.text(best.value)} is the background, say so with --background ${settingText(best.value, findings.samples)}, "background" in dataset.json, or in the preview.`,
  );
}

/** No value is background by its place. */
function noBackground(findings: Findings, usual: number, known: readonly Known[]): number | null {
  const [only] = known;
  if (known.length === 1 && only && findings.stats.masks > 0) {
    const what = `${findings.text(only.value)} is the only value of these masks, so that all of every image is foreground and nothing background.`;
    findings.evidence.push(what);
    findings.look(
      'data/reading-background',
      what,
      `If it is the background, say so with --background ${settingText(only.value, findings.samples)}.`,
    );
    return null;
  }
  const what = `No value is background: ${findings.text(usual)} does not occur, and none of ${findings.list(known.map(({ value }) => value))} surrounds the others.`;
  findings.evidence.push(what);
  findings.look('data/reading-background', what, otherBackground());
  return null;
}

function otherBackground(): string {
  return 'If another value is the background, choose it with --background, "background" in dataset.json, or in the preview.';
}

/** A value that covers much and lies around the others. */
function fillsFrame(findings: Findings, one: Known): boolean {
  return (
    findings.edgeShare(one) >= 0.6 && findings.share(one) >= 0.3 && one.masks >= 0.6 * findings.stats.masks
  );
}
