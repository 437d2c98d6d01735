import type { DataSet } from 'dicom-parser';
import { refuse } from '../outcome.ts';
import type { Raster, RasterData } from './raster.ts';
import { isReadable, samplesOf } from './samples.ts';
import { checkSize, damaged, truncated, unsupported } from './size-check.ts';

/** Transfer syntaxes that are read: how the elements are written. */
const IMPLICIT_LITTLE = '1.2.840.10008.1.2';
const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
const EXPLICIT_BIG = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';

const UNPACK =
  'Unpack it with dcmdjpeg, dcmdjpls or gdcmconv --raw, or export it as PNG or TIFF from a viewer.';
const EXPORT = 'Export it as PNG or TIFF from a DICOM viewer.';

/** Whether a file is DICOM: 128 bytes of anything, then DICM. */
export const isDicom = (bytes: Uint8Array) =>
  bytes[128] === 0x44 && bytes[129] === 0x49 && bytes[130] === 0x43 && bytes[131] === 0x4d;

/**
 * Reads a DICOM file of one uncompressed frame, grey or RGB: values are rescaled as it says (Hounsfield units of a CT) and
 * shown in its own window.
 * @throws Failure naming `file`.
 */
export async function decodeDicom(bytes: Uint8Array, file: string): Promise<Raster> {
  const data = await parse(bytes, file);
  const syntax = data.string('x00020010')?.trim() ?? IMPLICIT_LITTLE;
  const height = data.uint16('x00280010') ?? 0;
  const width = data.uint16('x00280011') ?? 0;
  const samples = data.uint16('x00280002') ?? 1;
  const allocated = data.uint16('x00280100') ?? 0;
  const stored = data.uint16('x00280101') ?? allocated;
  const isSigned = data.uint16('x00280103') === 1;
  const colours = data.string('x00280004')?.trim() ?? 'MONOCHROME2';
  const frames = data.intString('x00280008') ?? 1;
  const pixels = data.elements.x7fe00010;
  if (!pixels)
    throw refuse(
      'data/no-pixels',
      file,
      'This DICOM file holds no image (a report or a directory).',
      'Leave it out, or drop the files of the images.',
    );
  checkSize(file, width, height);
  if (syntax !== IMPLICIT_LITTLE && syntax !== EXPLICIT_LITTLE && syntax !== EXPLICIT_BIG)
    throw unsupported(
      file,
      `This DICOM file is compressed (transfer syntax ${syntax}), which cannot be read here.`,
      UNPACK,
    );
  if (frames > 1)
    throw unsupported(file, `This DICOM file has ${frames} frames, where one is needed.`, EXPORT);
  const isGrey = colours === 'MONOCHROME1' || colours === 'MONOCHROME2';
  if (!(isGrey && samples === 1) && !(colours === 'RGB' && samples === 3 && allocated === 8))
    throw unsupported(
      file,
      `This DICOM file has colours that cannot be read here (${colours}, ${allocated} bits).`,
      EXPORT,
    );
  const type = { bits: allocated, kind: isSigned ? 'signed' : 'unsigned' } as const;
  if (![8, 16, 32].includes(allocated) || !isReadable(type) || stored < 1 || stored > allocated)
    throw unsupported(
      file,
      `This DICOM file has values of ${stored} bits in ${allocated}, which cannot be read here.`,
      EXPORT,
    );
  const length = width * height * samples * (allocated / 8);
  const raw = bytes.subarray(pixels.dataOffset, pixels.dataOffset + pixels.length);
  if (raw.length < length) throw truncated(file, 'DICOM');
  const values = samplesOf(raw, {
    ...type,
    rows: height,
    perRow: width * samples,
    perPixel: samples,
    predictor: 1,
    littleEndian: syntax !== EXPLICIT_BIG,
  });
  cleanBits(values, stored, allocated, isSigned);
  const base = { format: 'dicom', width, height, lossy: false, orientation: 1 } as const;
  if (samples === 3) {
    const isPlanar = data.uint16('x00280006') === 1;
    return { ...base, channels: 3, bits: 8, data: isPlanar ? interleaved(values, width * height) : values };
  }
  const window = windowOf(data);
  return {
    ...base,
    channels: 1,
    bits: stored,
    data: rescaled(values, data),
    ...(window ? { window } : {}),
    ...(colours === 'MONOCHROME1' ? { isWhiteZero: true } : {}),
  };
}

async function parse(bytes: Uint8Array, file: string): Promise<DataSet> {
  const { default: dicom } = await import('dicom-parser');
  try {
    // What follows the pixels is not needed.
    return dicom.parseDicom(bytes, { untilTag: 'x7fe00010' });
  } catch (thrown) {
    const error = thrown instanceof Object && 'exception' in thrown ? thrown.exception : thrown;
    const detail = error instanceof Error ? error.message : String(error);
    if (/overrun|past end|overread|no inflater/i.test(detail)) {
      if (detail.includes('inflater'))
        throw unsupported(
          file,
          `This DICOM file is compressed (transfer syntax ${DEFLATED}), which cannot be read here.`,
          UNPACK,
        );
      throw truncated(file, 'DICOM');
    }
    throw damaged(file, 'DICOM', detail.replace(/^dicomParser\S*:? ?/, ''));
  }
}

/** Bits above the stored ones may hold anything (overlays): they become the sign's, or 0. */
function cleanBits(values: RasterData, stored: number, allocated: number, isSigned: boolean): void {
  if (stored === allocated) return;
  const unused = 32 - stored;
  for (let i = 0; i < values.length; i++) {
    const word = (values[i] as number) << unused;
    values[i] = isSigned ? word >> unused : word >>> unused;
  }
}

function rescaled(values: RasterData, data: DataSet): RasterData {
  const slope = data.floatString('x00281053') ?? 1;
  const intercept = data.floatString('x00281052') ?? 0;
  const isPlain = !Number.isFinite(slope) || !Number.isFinite(intercept) || slope === 0;
  if (isPlain || (slope === 1 && intercept === 0)) return values;
  const isWhole = Number.isInteger(slope) && Number.isInteger(intercept);
  const out = isWhole ? new Int32Array(values.length) : new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = (values[i] as number) * slope + intercept;
  return out;
}

/** The first window of the file: black and white lie half its width from its centre (PS3.3, C.11.2.1.2). */
function windowOf(data: DataSet): { low: number; high: number } | undefined {
  const centre = data.floatString('x00281050');
  const width = data.floatString('x00281051');
  if (centre === undefined || width === undefined || !(width > 1) || !Number.isFinite(centre + width))
    return undefined;
  return { low: centre - 0.5 - (width - 1) / 2, high: centre - 0.5 + (width - 1) / 2 };
}

function interleaved(planes: RasterData, pixels: number): RasterData {
  const out = new Uint8Array(pixels * 3);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < pixels; i++) out[3 * i + c] = planes[c * pixels + i] as number;
  return out;
}
