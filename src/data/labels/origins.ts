import type { ObjectOrigin } from './types.ts';

const BY_MODEL = /^(clicked|found|corrected) by (.+)$/s;

/** Who made an object, as files that go out say it: "drawn", "found by tiny". */
export const originText = (origin: ObjectOrigin): string =>
  'model' in origin ? `${origin.kind} by ${origin.model}` : origin.kind;

/** What {@link originText} wrote; null for anything else. */
export function originOfText(text: unknown): ObjectOrigin | null {
  if (text === 'imported' || text === 'drawn') return { kind: text };
  const [, kind, model = ''] = (typeof text === 'string' && BY_MODEL.exec(text)) || [];
  return kind === 'clicked' || kind === 'found' || kind === 'corrected' ? { kind, model } : null;
}
