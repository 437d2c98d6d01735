/** Formats of images and of what images are kept in that are not read here, by extension. */

/** Each with its extensions, what it is, and how it becomes something that is read. */
const FORMATS: readonly (readonly [extensions: string, what: string, cure: string])[] = [
  [
    'cr2 cr3 crw nef nrw arw srf sr2 dng raf orf rw2 pef srw x3f 3fr iiq rwl',
    'camera raw',
    'Develop it with darktable or the program of the camera, export it as PNG or TIFF, and drop that.',
  ],
  [
    'czi nd2 lif lof oib oif oir vsi lsm stk zvi ims dv r3d mvd2 flex dm3 dm4 mrc',
    'a microscope file',
    'Open it in Fiji (its Bio-Formats plugin reads it), save each image as TIFF, and drop these.',
  ],
  [
    'svs ndpi mrxs scn vms vmu bif isyntax',
    'a slide of a slide scanner',
    'Export the regions that you need as PNG or TIFF from QuPath, and drop these.',
  ],
  [
    'nrrd nhdr mha mhd mgz mgh',
    'a medical volume',
    'Open it in 3D Slicer, save it as NIfTI (.nii.gz), and drop that; its slices become images.',
  ],
  [
    'hdr img',
    'part of a pair of files, as of NIfTI or Analyze',
    'Open the pair in 3D Slicer, save it as one NIfTI file (.nii.gz), and drop that.',
  ],
  [
    'mp4 m4v mov avi mkv webm wmv mpg mpeg mts m2ts flv 3gp',
    'a video',
    'Export its frames as PNG, with FFmpeg for example: ffmpeg -i video.mp4 frame_%04d.png.',
  ],
  ['pdf ps eps ai', 'a document', 'Export its images as PNG, and drop these.'],
  [
    'psd psb xcf kra',
    'layers of an image editor',
    'Export it as PNG from the program that made it (GIMP opens most), and drop that.',
  ],
  [
    'j2k jpf jpx j2c jpc ecw sid',
    'JPEG 2000 or wavelets',
    'Convert it to TIFF with QGIS or gdal_translate, or to PNG with an image program, and drop that.',
  ],
  [
    'exr tga dds pcx sgi ico fits fit fts jxr wdp jls pam pfm',
    'an image',
    'Open it in an image program (GIMP, Fiji), save it as PNG or TIFF, and drop that.',
  ],
  [
    'h5 hdf5 pkl zarr n5',
    'arrays',
    'If it holds images or masks, save these as PNG or TIFF: a mask for each image, with the same name, in masks/.',
  ],
  [
    'shp gpkg kml kmz',
    'shapes on the earth',
    'If it outlines objects, rasterise it over each image in QGIS (Raster, Conversion, Rasterize), and drop these masks.',
  ],
  [
    'tar tgz gz bz2 tbz2 xz txz zst 7z rar',
    'an archive',
    'Unpack it and drop what is in it, or pack that as a zip.',
  ],
];

const BY_EXTENSION = new Map(
  FORMATS.flatMap(([extensions, what, cure]) =>
    extensions.split(' ').map((extension) => [extension, { what, cure }] as const),
  ),
);

/** What a file of that extension is, and what to do; undefined where it says no format that holds images. */
export const unreadFormat = (
  extension: string,
): { readonly what: string; readonly cure: string } | undefined => BY_EXTENSION.get(extension);
