import type { NumberField } from '../../config/field.ts';
import type { EncoderSite } from '../../sam/site.ts';

/** The setting `bottleneck`: by default the narrowest site's width divided by `divisor`, but at least 8. */
export function bottleneckField(sites: readonly EncoderSite[], divisor: number) {
  return {
    kind: 'integer',
    label: 'Bottleneck',
    help: 'Width of the added network. A wider one can learn more and costs more.',
    min: 1,
    max: 1024,
    default: Math.max(8, Math.floor(Math.min(...sites.map(({ width }) => width)) / divisor)),
    unit: '',
  } as const satisfies NumberField;
}
