/** Files that are taken for weights and are something else: what they are by their first bytes, and what to do. */
export interface OtherFormat {
  /** What it is, with its article. */
  readonly name: string;
  readonly cure: string;
  /** Where its sign begins. */
  readonly at: number;
  /** Text, or bytes of which null may be any. */
  readonly sign: string | readonly (number | null)[];
  /** How names of such files end, where an ending says it. */
  readonly ending?: RegExp;
}

/** Enough bytes for every sign below; that of tar comes last. */
export const SIGN_BYTES = 262;

const UNPACK = 'Unpack it and open the .safetensors or .pth file within.';
const SOURCE = 'Open the .safetensors or .pth file that it was made from.';
const IMAGE = 'Open a file of weights as the model; images are added on Data.';

const OTHER_FORMATS: readonly OtherFormat[] = [
  {
    name: 'a pointer of Git LFS in place of the file itself',
    cure: 'Run "git lfs pull" in its folder, or download the file itself from the page that offers it.',
    at: 0,
    sign: 'version https://git-lfs',
  },
  {
    name: 'a file of torch.save in pickle protocol 0 or 1, which is not read',
    cure: 'Save it in Python again without pickle_protocol: torch.save(model.state_dict(), "weights.pth").',
    at: 0,
    sign: 'L119547037146038801333356L',
  },
  {
    name: 'what macOS leaves beside a file on other disks and in zips',
    cure: 'Open the file of the same name without the leading "._".',
    at: 0,
    sign: [0x00, 0x05, 0x16, 0x07],
  },
  {
    // Protobuf has no sign of its own: the version of the form, then the name of the program that wrote it.
    name: 'an ONNX file, which holds a graph for running and no trainable weights',
    cure: SOURCE,
    at: 0,
    sign: [0x08, null, 0x12, null],
    ending: /\.onnx$/i,
  },
  {
    name: 'a GGUF file, whose weights are packed for llama.cpp',
    cure: SOURCE,
    at: 0,
    sign: 'GGUF',
    ending: /\.gguf$/i,
  },
  {
    name: 'an HDF5 file, as Keras writes',
    cure: 'Open the .safetensors or .pth file of the same model.',
    at: 0,
    sign: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a],
    ending: /\.(h5|hdf5|keras)$/i,
  },
  {
    name: 'a TensorFlow Lite file, which holds a graph for running and no trainable weights',
    cure: SOURCE,
    at: 4,
    sign: 'TFL3',
    ending: /\.tflite$/i,
  },
  {
    name: 'a NumPy array',
    cure: 'Open the .safetensors or .pth file of the whole model.',
    at: 0,
    sign: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
    ending: /\.npy$/i,
  },
  { name: 'a file packed by gzip', cure: UNPACK, at: 0, sign: [0x1f, 0x8b], ending: /\.t?gz$/i },
  {
    name: 'a file packed by xz',
    cure: UNPACK,
    at: 0,
    sign: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    ending: /\.xz$/i,
  },
  { name: 'a file packed by bzip2', cure: UNPACK, at: 0, sign: 'BZh', ending: /\.bz2$/i },
  {
    name: 'a file packed by Zstandard',
    cure: UNPACK,
    at: 0,
    sign: [0x28, 0xb5, 0x2f, 0xfd],
    ending: /\.zst$/i,
  },
  { name: 'a 7z archive', cure: UNPACK, at: 0, sign: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], ending: /\.7z$/i },
  { name: 'a RAR archive', cure: UNPACK, at: 0, sign: 'Rar!', ending: /\.rar$/i },
  { name: 'a PNG image', cure: IMAGE, at: 0, sign: [0x89, 0x50, 0x4e, 0x47] },
  { name: 'a JPEG image', cure: IMAGE, at: 0, sign: [0xff, 0xd8, 0xff] },
  { name: 'a tar archive', cure: UNPACK, at: 257, sign: 'ustar', ending: /\.tar$/i },
];

/** What else a file is by its first {@link SIGN_BYTES} bytes; undefined for what is not known. */
export function otherFormatOf(first: Uint8Array): OtherFormat | undefined {
  return OTHER_FORMATS.find(({ at, sign }) => {
    const bytes = typeof sign === 'string' ? [...new TextEncoder().encode(sign)] : sign;
    return bytes.every((byte, i) => (byte === null ? at + i < first.length : first[at + i] === byte));
  });
}

/** What a file is by the ending of its name, where only names are known. */
export function otherFormatByName(name: string): OtherFormat | undefined {
  return OTHER_FORMATS.find(({ ending }) => ending?.test(name));
}
