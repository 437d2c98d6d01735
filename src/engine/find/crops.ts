import type { FindSampling } from '../../config/find.ts';
import type { Box, Scale } from '../../data/types.ts';

/** Share of the shorter side by which crops overlap, as in SAM. */
const OVERLAP = 512 / 1500;
/** Pixels to a crop's edge under which a mask is thought to be cut off by it, as in SAM. */
const EDGE_PIXELS = 20;
/** The crops for which that was chosen. */
const EDGE_SIDE = 1024;

/** A part of an image that is looked at on its own. */
export interface FindCrop {
  readonly box: Box;
  /** Pixels to the crop's edge under which a mask is left out, unless the image ends there too. */
  readonly edge: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The crops in which an image is looked at: the whole and SAM's layers of crops, layer i of (2^i)² of them; or, where models see
 * a dataset in crops of N pixels, a mosaic of those that overlaps as the first layer does.
 */
export function cropsOf(
  image: Size,
  scale: Scale,
  { cropLayers }: Pick<FindSampling, 'cropLayers'>,
): FindCrop[] {
  return scale === 'whole' ? layeredCrops(image, cropLayers) : mosaic(image, scale);
}

/** `generate_crop_boxes` of segment_anything/utils/amg.py. */
function layeredCrops({ width, height }: Size, layers: number): FindCrop[] {
  const crops: FindCrop[] = [{ box: [0, 0, width, height], edge: EDGE_PIXELS }];
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer;
    const overlap = Math.trunc(OVERLAP * Math.min(width, height) * (2 / perSide));
    const lengthOf = (side: number) => Math.ceil((overlap * (perSide - 1) + side) / perSide);
    const [cropWidth, cropHeight] = [lengthOf(width), lengthOf(height)];
    for (let column = 0; column < perSide; column++) {
      for (let row = 0; row < perSide; row++) {
        const [x, y] = [(cropWidth - overlap) * column, (cropHeight - overlap) * row];
        const box = [x, y, Math.min(x + cropWidth, width), Math.min(y + cropHeight, height)] as const;
        // Of an image of few pixels, the last crops of a deep layer are outside.
        if (box[2] > x && box[3] > y) crops.push({ box, edge: EDGE_PIXELS });
      }
    }
  }
  return crops;
}

function mosaic({ width, height }: Size, side: number): FindCrop[] {
  const overlap = Math.trunc(OVERLAP * side);
  const edge = Math.max(1, Math.round((EDGE_PIXELS * side) / EDGE_SIDE));
  const starts = (length: number): number[] => {
    if (length <= side) return [0];
    const count = Math.ceil((length - overlap) / (side - overlap));
    // Evenly, so that the last one ends where the image does.
    return Array.from({ length: count }, (_, i) => Math.round((i * (length - side)) / (count - 1)));
  };
  return starts(height).flatMap((y) =>
    starts(width).map((x): FindCrop => {
      const box = [x, y, Math.min(x + side, width), Math.min(y + side, height)] as const;
      return { box, edge };
    }),
  );
}

/** Points of a grid in the middle of its cells, row by row, in pixels of the image. */
export function gridPoints([x0, y0, x1, y1]: Box, perSide: number): (readonly [x: number, y: number])[] {
  const places = Array.from({ length: perSide }, (_, i) => (2 * i + 1) / (2 * perSide));
  return places.flatMap((y) => places.map((x) => [x0 + x * (x1 - x0), y0 + y * (y1 - y0)] as const));
}

/**
 * Whether a mask may be cut off by its crop: its box ends near an edge of the crop that is not near the image's
 * (`is_box_near_crop_edge`, which counts a box's last pixel as its end).
 */
export function isCutOff(box: Box, { box: crop, edge }: FindCrop, { width, height }: Size): boolean {
  const ends = [box[0], box[1], box[2] - 1, box[3] - 1];
  const limits = [0, 0, width, height];
  return ends.some((end, side) => {
    const isNear = (to: number | undefined) => Math.abs(end - (to ?? 0)) <= edge;
    return isNear(crop[side]) && !isNear(limits[side]);
  });
}
