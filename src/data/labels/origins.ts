import type { ObjectOrigin } from './types.ts';

const BY_MODEL = /^(clicked|found|corrected) by (.+)$/s;

/** Who made an object, as files that go out say it: "drawn", "found by tiny". */
export const originText = (origin: ObjectOrigin): string =>
  'model' in origin ? `${origin.kind} by ${origin.model}` : origin.kind;

/** The score of a found object; undefined where none is known. */
export const scoreOf = (origin: ObjectOrigin): number | undefined =>
  origin.kind === 'found' ? origin.score : undefined;

/** What {@link originText} wrote; null for anything else. @param score of a found object, where one was kept beside it. */
export function originOfText(text: unknown, score?: unknown): ObjectOrigin | null {
  if (text === 'imported' || text === 'drawn') return { kind: text };
  const [, kind, model = ''] = (typeof text === 'string' && BY_MODEL.exec(text)) || [];
  if (kind === 'clicked' || kind === 'corrected') return { kind, model };
  if (kind !== 'found') return null;
  return { kind, model, ...(typeof score === 'number' && { score }) };
}
