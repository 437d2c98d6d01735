import { areApart } from './folders.ts';
import { ImageIndex, type Match, type SeriesMatch } from './match.ts';
import type { MaskSeries, Roles } from './roles.ts';
import { isJpeg, type Series, type SeriesFile } from './series.ts';

/** A mask file, what it is, and the image that it belongs to. */
export interface Claim extends Match {
  readonly mask: MaskSeries;
}

export interface Assignment {
  readonly images: readonly Series[];
  readonly claims: readonly Claim[];
  readonly unmatched: readonly { readonly file: SeriesFile; readonly mask: MaskSeries }[];
}

/**
 * Gives every mask its image. What only its name calls a mask (`red_label.jpg`, a PNG beside a JPEG) is an image where
 * other masks have its whole name, or no image has the rest of it.
 */
export function assign({ images, masks }: Roles): Assignment {
  const sure = masks.filter(({ isUnsure }) => !isUnsure);
  const unsure = masks.filter(({ isUnsure }) => isUnsure);
  const found = [...images];
  const matched = new Map<MaskSeries, SeriesMatch>();
  if (unsure.length > 0) {
    const all = new ImageIndex([...images, ...unsure.map(({ series }) => series)]);
    const taken = new Map<Series, number>();
    for (const mask of sure) {
      for (const { image } of all.match(mask.series).matches) {
        taken.set(image.series, (taken.get(image.series) ?? 0) + 1);
      }
    }
    const stay: MaskSeries[] = [];
    for (const mask of unsure) {
      const { series } = mask;
      const isTaken = (taken.get(series) ?? 0) * 2 >= series.files.length;
      if (isTaken || (series.by === 'extension' && isBesideTaken(series, images, taken))) found.push(series);
      else stay.push(mask);
    }
    const index = new ImageIndex(found);
    for (const mask of stay) {
      const match = index.match(mask.series);
      const isImage = match.matches.length === 0 && canBeImages(mask.series, found);
      if (isImage) found.push(mask.series);
      else matched.set(mask, match);
    }
  }
  const index = new ImageIndex(found);
  for (const mask of sure) matched.set(mask, index.match(mask.series));
  return { images: found, ...sorted(matched) };
}

/** Whether the JPEGs of the same names beside these files have masks already. */
const isBesideTaken = (series: Series, images: readonly Series[], taken: ReadonlyMap<Series, number>) =>
  images.some((other) => other.folders.join('/') === series.folders.join('/') && taken.has(other));

/** Images called masks: JPEGs, or in a folder with other images. */
const canBeImages = (series: Series, images: readonly Series[]) =>
  series.files.every(({ parts }) => isJpeg(parts)) ||
  images.some((other) => other.folders.join('/') === series.folders.join('/'));

/**
 * The matches as claims. One between folders that have nothing but names in common, as `may/images` and `june/masks`,
 * counts only where the mask's folder has no other, and the image no nearer mask.
 */
function sorted(matched: ReadonlyMap<MaskSeries, SeriesMatch>): Pick<Assignment, 'claims' | 'unmatched'> {
  const claims: Claim[] = [];
  const apart: Claim[] = [];
  const unmatched: { file: SeriesFile; mask: MaskSeries }[] = [];
  for (const [mask, match] of matched) {
    const isApart = ({ image }: Match) => areApart(mask.series.folders, image.series.folders);
    const far = match.matches.filter(isApart);
    for (const one of match.matches) {
      if (!far.includes(one)) claims.push({ ...one, mask });
      else if (far.length === match.matches.length) apart.push({ ...one, mask });
      else unmatched.push({ file: one.file, mask });
    }
    unmatched.push(...match.unmatched.map((file) => ({ file, mask })));
  }
  const near = new Set(claims.map(({ image }) => image.file.parts.path));
  for (const claim of apart) {
    if (near.has(claim.image.file.parts.path)) unmatched.push({ file: claim.file, mask: claim.mask });
    else claims.push(claim);
  }
  return { claims, unmatched };
}
