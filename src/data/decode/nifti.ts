import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { depthMapping } from './depth.ts';
import { joined } from './joined.ts';
import type { Raster, RasterData } from './raster.ts';
import { isReadable, type SampleType, samplesOf } from './samples.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

/** A NIfTI-1 or NIfTI-2 file, unpacked, with what its header says. */
export interface NiftiVolume extends SampleType {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Slices along the third axis. */
  readonly slices: number;
  /** Values a pixel: those along the fourth axis (moments, contrasts), or the colours of RGB voxels. */
  readonly channels: number;
  readonly isColour: boolean;
  readonly datatype: number;
  readonly littleEndian: boolean;
  /** Where the voxels begin. */
  readonly start: number;
  /** A value is `slope` times the stored one plus `intercept`. */
  readonly slope: number;
  readonly intercept: number;
  /** Values shown as black and white, where the file says it. */
  readonly window?: { readonly low: number; readonly high: number };
}

const DATATYPES: Readonly<Record<number, SampleType & { readonly colours?: 3 | 4 }>> = {
  2: { bits: 8, kind: 'unsigned' },
  4: { bits: 16, kind: 'signed' },
  8: { bits: 32, kind: 'signed' },
  16: { bits: 32, kind: 'float' },
  64: { bits: 64, kind: 'float' },
  128: { bits: 8, kind: 'unsigned', colours: 3 },
  256: { bits: 8, kind: 'signed' },
  512: { bits: 16, kind: 'unsigned' },
  768: { bits: 32, kind: 'unsigned' },
  1024: { bits: 64, kind: 'signed' },
  1280: { bits: 64, kind: 'unsigned' },
  2304: { bits: 8, kind: 'unsigned', colours: 4 },
};

const CURE = 'Convert it to one .nii or .nii.gz file, or export its slices as PNG or TIFF.';

/** Whether a file begins as NIfTI-1, NIfTI-2 or their forerunner Analyze does: with the length of its header. */
export function isNifti(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [348, 540].some((length) => view.getUint32(0, true) === length || view.getUint32(0) === length);
}

export const isGzip = ([a, b, c]: Uint8Array) => a === 0x1f && b === 0x8b && c === 8;

/**
 * Opens a NIfTI file, packed with gzip or not.
 * @throws Failure naming `file`.
 */
export async function openNifti(packed: Uint8Array, file: string): Promise<NiftiVolume> {
  const isPacked = isGzip(packed);
  const head = isPacked ? await gunzip(packed, MOST_HEADER, file) : packed;
  if (!isNifti(head)) {
    throw refuse(
      'data/not-an-image',
      file,
      'This is a gzip archive, and what is in it is not NIfTI.',
      'Unpack it and drop what is inside.',
    );
  }
  const header = await readHeader(head, file);
  const [, width = 0, height = 0, slices = 1, ...rest] = header.dims.map((size, i) =>
    i <= header.axes ? size : 1,
  );
  const type = DATATYPES[header.datatype];
  if (!type || !isReadable(type)) {
    throw unsupported(
      file,
      `This NIfTI file has voxels of a kind that cannot be read here (datatype ${header.datatype}).`,
      CURE,
    );
  }
  const { colours = 1 } = type;
  const values = rest.reduce((product, size) => product * size, 1);
  if (slices < 1 || values < 1) throw damaged(file, 'NIfTI', 'an axis has no extent');
  checkSize(file, width, height);
  if (values > 64 || (colours > 1 && values > 1)) {
    throw unsupported(
      file,
      `This NIfTI file has ${values} volumes one after the other, where one is needed.`,
      CURE,
    );
  }
  const end = header.start + width * height * slices * values * colours * (type.bits / 8);
  if (!(header.start >= 0)) throw damaged(file, 'NIfTI', 'its voxels begin nowhere');
  if (end > limits.fileBytes) {
    throw refuse(
      'data/too-large',
      file,
      `The NIfTI file says that it holds ${Math.round(end / 2 ** 20)} MiB; at most ${limits.fileBytes / 2 ** 20} MiB can be read.`,
      'Crop it or export its slices, and drop the result.',
    );
  }
  const bytes = isPacked ? await gunzip(packed, end, file) : packed;
  if (end > bytes.length) throw truncated(file, 'NIfTI');
  return {
    bytes,
    bits: type.bits,
    kind: type.kind,
    width,
    height,
    slices,
    channels: values * colours,
    isColour: colours > 1,
    datatype: header.datatype,
    littleEndian: header.littleEndian,
    start: header.start,
    slope: header.slope,
    intercept: header.intercept,
    ...(header.window ? { window: header.window } : {}),
  };
}

/** Bytes of the longer of the two headers. */
const MOST_HEADER = 540;

interface NiftiHeader {
  readonly dims: readonly number[];
  readonly axes: number;
  readonly datatype: number;
  readonly littleEndian: boolean;
  readonly start: number;
  readonly slope: number;
  readonly intercept: number;
  readonly window: { readonly low: number; readonly high: number } | undefined;
}

async function readHeader(bytes: Uint8Array, file: string): Promise<NiftiHeader> {
  const { NIFTI1, NIFTI2 } = await import('nifti-reader-js');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = view.getUint32(0, true) === 348 || view.getUint32(0) === 348;
  const length = isFirst ? 348 : 540;
  if (bytes.length < length) throw truncated(file, 'NIfTI');
  const magic = String.fromCharCode(...bytes.subarray(isFirst ? 344 : 4, isFirst ? 347 : 7));
  if (magic === 'ni1' || magic === 'ni2') {
    throw unsupported(
      file,
      'This is the header of a NIfTI pair (.hdr and .img), whose voxels lie in another file.',
      CURE,
    );
  }
  if (magic !== 'n+1' && magic !== 'n+2') {
    throw unsupported(
      file,
      'This file has the header of Analyze 7.5 or a damaged header of NIfTI: the word n+1 is missing from it.',
      CURE,
    );
  }
  const header = isFirst ? new NIFTI1() : new NIFTI2();
  // The header alone: extensions behind it are not needed.
  header.readHeader(bytes.slice(0, length).buffer);
  const axes = header.dims[0] ?? 0;
  if (axes < 2 || axes > 7) throw damaged(file, 'NIfTI', `it has ${axes} axes`);
  // Not-a-number and 0 say that values are not scaled.
  const isScaled =
    Number.isFinite(header.scl_slope) && header.scl_slope !== 0 && Number.isFinite(header.scl_inter);
  const [low, high] = [header.cal_min, header.cal_max];
  return {
    dims: header.dims,
    axes,
    datatype: header.datatypeCode,
    littleEndian: header.littleEndian,
    start: header.vox_offset,
    slope: isScaled ? header.scl_slope : 1,
    intercept: isScaled ? header.scl_inter : 0,
    window: high > low ? { low, high } : undefined,
  };
}

/**
 * A slice, rows in the order of the file.
 * @param slice 0 … slices − 1.
 */
function niftiSlice(volume: NiftiVolume, slice: number): Raster {
  const { width, height, channels, isColour, bits, window } = volume;
  const pixels = width * height;
  const planes = isColour
    ? [planeOf(volume, slice, 0, channels)]
    : Array.from({ length: channels }, (_, c) => planeOf(volume, slice, c, 1));
  const first = planes[0] as RasterData;
  const data =
    planes.length === 1 ? first : new (first.constructor as new (n: number) => RasterData)(pixels * channels);
  if (planes.length > 1) {
    for (const [c, plane] of planes.entries()) {
      for (let i = 0; i < pixels; i++) data[i * channels + c] = plane[i] as number;
    }
  }
  return {
    format: 'nifti',
    width,
    height,
    channels,
    hasAlpha: isColour && channels === 4,
    bits,
    data,
    ...(window ? { window } : {}),
    lossy: false,
    orientation: 1,
  };
}

/** The values of one plane, scaled as the file says. */
function planeOf(volume: NiftiVolume, slice: number, channel: number, samples: number): RasterData {
  const { bytes, width, height, slices, bits, slope, intercept } = volume;
  const raw = sliceBytes(bytes, volume, slice + channel * slices, samples);
  const values = samplesOf(raw, {
    ...volume,
    rows: height,
    perRow: width * samples,
    perPixel: samples,
    predictor: 1,
  });
  if (slope === 1 && intercept === 0) return values;
  const scaled = bits > 16 ? new Float64Array(values.length) : new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) scaled[i] = (values[i] as number) * slope + intercept;
  return scaled;
}

function sliceBytes(
  bytes: Uint8Array,
  { width, height, bits, start }: NiftiVolume,
  plane: number,
  samples: number,
) {
  const size = width * height * samples * (bits / 8);
  return bytes.subarray(start + plane * size, start + (plane + 1) * size);
}

/** Offset of the voxels in the files that {@link writeNiftiSlice} makes. */
const WRITTEN_START = 352;

/** The window of a volume by percentiles, so that all of its slices are shown alike; its own where it has one. */
export function niftiWindow(
  volume: NiftiVolume,
): { readonly low: number; readonly high: number } | undefined {
  if (volume.window || (volume.bits === 8 && volume.kind === 'unsigned')) return volume.window;
  const { width, height, slices, channels } = volume;
  const all = planeOf({ ...volume, height: height * slices * channels }, 0, 0, 1);
  if (all.length !== width * height * slices * channels) return undefined;
  const { low, high } = depthMapping(all);
  return high > low ? { low, high } : undefined;
}

/**
 * A slice as a NIfTI-1 file of its own, its voxels as they are stored.
 * @param window what is shown as black and white.
 */
export function writeNiftiSlice(
  volume: NiftiVolume,
  slice: number,
  window: { readonly low: number; readonly high: number } | undefined,
): Uint8Array {
  const { bytes, width, height, slices, channels, isColour, bits, littleEndian, datatype, slope, intercept } =
    volume;
  const planes = isColour ? 1 : channels;
  const samples = isColour ? channels : 1;
  const size = width * height * samples * (bits / 8);
  const out = new Uint8Array(WRITTEN_START + planes * size);
  const view = new DataView(out.buffer);
  view.setInt32(0, 348, littleEndian);
  for (const [i, extent] of [planes > 1 ? 4 : 2, width, height, 1, planes, 1, 1, 1].entries()) {
    view.setInt16(40 + 2 * i, extent, littleEndian);
  }
  view.setInt16(70, datatype, littleEndian);
  view.setInt16(72, bits * samples, littleEndian);
  view.setFloat32(108, WRITTEN_START, littleEndian);
  view.setFloat32(112, slope, littleEndian);
  view.setFloat32(116, intercept, littleEndian);
  view.setFloat32(124, window?.high ?? 0, littleEndian);
  view.setFloat32(128, window?.low ?? 0, littleEndian);
  out.set([0x6e, 0x2b, 0x31, 0], 344);
  for (let c = 0; c < planes; c++) {
    out.set(sliceBytes(bytes, volume, slice + c * slices, samples), WRITTEN_START + c * size);
  }
  return out;
}

/**
 * Reads a NIfTI file of one slice; volumes of several are refused (see `pagesOf`).
 * @throws Failure naming `file`.
 */
export async function decodeNifti(bytes: Uint8Array, file: string): Promise<Raster> {
  const volume = await openNifti(bytes, file);
  if (volume.slices > 1) {
    throw unsupported(
      file,
      `This NIfTI file is a volume of ${volume.slices} slices, where one image is needed.`,
      'Export each slice as PNG or TIFF.',
    );
  }
  return niftiSlice(volume, 0);
}

/** The first `most` bytes of what is packed, or all where there are fewer. */
async function gunzip(packed: Uint8Array, most: number, file: string): Promise<Uint8Array> {
  const reader = new Blob([packed.slice()]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    while (length < most) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      pieces.push(value);
    }
    await reader.cancel();
  } catch {
    throw damaged(file, 'NIfTI', 'its gzip data are damaged or end early');
  }
  return joined(pieces).subarray(0, most);
}
