import { areApart, componentOf } from './folders.ts';
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
  /** Series called masks that are images, as no image has their names. */
  readonly unheeded: readonly MaskSeries[];
}

/**
 * Gives every mask its image. What only its name calls a mask (`red_label.jpg`, a PNG beside a JPEG) is an image where
 * other masks have its whole name, or no image has the rest of it.
 */
export function assign({ images, masks }: Roles): Assignment {
  const sure = masks.filter(({ isUnsure }) => !isUnsure);
  const unsure = masks.filter(({ isUnsure }) => isUnsure);
  const found = [...images];
  const unheeded: MaskSeries[] = [];
  const matched = new Map<MaskSeries, SeriesMatch>();
  if (unsure.length > 0) {
    // A preview or an aid of images is none itself, however well a mask's name would fit it.
    const known = new ImageIndex(images, []);
    const mayBeImages = unsure.filter((mask) => !isAid(mask) || !isNamed(known.match(mask.series), mask));
    const all = new ImageIndex([...images, ...mayBeImages.map(seriesOf)], sure.map(seriesOf));
    const taken = new Map<Series, number>();
    // What an aid is called after may be another one.
    for (const mask of sure.filter(({ isAside }) => !isAside)) {
      for (const { image, rivals, isOnlyImage } of all.match(mask.series).matches) {
        if (isOnlyImage) continue;
        const { series } = [image, ...rivals].find((each) => images.includes(each.series)) ?? image;
        taken.set(series, (taken.get(series) ?? 0) + 1);
      }
    }
    const stay: MaskSeries[] = [];
    for (const mask of unsure) {
      const { series } = mask;
      const isTaken = (taken.get(series) ?? 0) * 2 >= series.files.length;
      if (isTaken || (series.by === 'extension' && isBesideTaken(series, images, taken))) found.push(series);
      else stay.push(mask);
    }
    // What is called by its colours is an image where no other has the rest of its name; then it may have a mask.
    const isColour = ({ series }: MaskSeries) => series.meaning?.role === 'image';
    for (const some of [stay.filter(isColour), stay.filter((mask) => !isColour(mask))]) {
      const index = new ImageIndex(found, some.map(seriesOf));
      for (const mask of some) {
        const match = index.match(mask.series);
        if (!areImages(mask, match, found)) matched.set(mask, match);
        else {
          const isSaid = mask.series.meaning?.role === 'mask' && !taken.has(mask.series);
          if (isSaid && areBeside(mask.series, images)) unheeded.push(mask);
          found.push(mask.series);
        }
      }
    }
  }
  const index = new ImageIndex(found, sure.map(seriesOf));
  for (const mask of sure) matched.set(mask, index.match(mask.series));
  return { images: found, unheeded, ...sorted(matched) };
}

const seriesOf = ({ series }: MaskSeries) => series;

/** Whether a word says a preview, an edge map …, and none an image or a mask. */
const isAid = ({ series, isAside }: MaskSeries) => isAside && series.meaning?.role === undefined;

/** Whether most files of a series have an image by their names. */
const isNamed = ({ matches }: SeriesMatch, { series }: MaskSeries) =>
  matches.filter(({ isOnlyImage }) => !isOnlyImage).length * 2 >= series.files.length;

/** Whether the JPEGs of the same names beside these files have masks already. */
const isBesideTaken = (series: Series, images: readonly Series[], taken: ReadonlyMap<Series, number>) =>
  images.some((other) => other.folders.join('/') === series.folders.join('/') && taken.has(other));

/**
 * Whether files called masks are images: a word within the names says so only where it leads most of them to an image;
 * one at an end where it leads none, and they are JPEGs, in a folder with other images, or look like photographs.
 */
function areImages(
  { series, isPhotos = false }: MaskSeries,
  { matches }: SeriesMatch,
  images: readonly Series[],
): boolean {
  const named = matches.filter(({ isOnlyImage }) => !isOnlyImage);
  if (series.by === 'inner') return named.length * 2 < series.files.length;
  const isInImages = componentOf(series.folders.at(-1) ?? '').meaning?.role === 'image';
  if (isInImages && named.every(({ image }) => areApart(series.folders, image.series.folders))) return true;
  const canBe =
    isPhotos ||
    series.meaning?.role === 'image' ||
    series.files.every(({ parts }) => isJpeg(parts)) ||
    areBeside(series, images);
  return matches.length === 0 && canBe;
}

/** Whether there are images in the folder of a series. */
const areBeside = (series: Series, images: readonly Series[]) =>
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
