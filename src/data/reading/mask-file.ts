import { readRaster } from '../decode/read-raster.ts';
import { attempt, valueOrThrow } from '../outcome.ts';
import type { LabelMap, Outcome } from '../types.ts';
import { applyReading } from './apply.ts';
import { inferReading } from './infer.ts';
import { MaskStatistics, maskFacts } from './statistics.ts';

/** A mask by itself, read by what it holds alone; masks of a dataset are read alike instead. */
export function readMaskFile(bytes: Uint8Array, file: string): Promise<Outcome<LabelMap>> {
  return attempt(file, async () => {
    const raster = await readRaster(bytes, file);
    const stats = new MaskStatistics();
    stats.add(maskFacts(raster, file));
    const { reading, remarks } = inferReading(stats, 'masks');
    const refusal = remarks.find(({ severity }) => severity === 'refused');
    if (reading) return applyReading(raster, reading, file);
    return valueOrThrow<LabelMap>({
      ok: false,
      refusal: refusal ?? {
        file,
        code: 'data/mask-unread',
        reason: 'This mask cannot be read.',
        cure: 'Export it as PNG.',
        severity: 'refused',
      },
    });
  });
}
