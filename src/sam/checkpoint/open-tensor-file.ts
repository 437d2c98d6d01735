import { Failure } from '../../config/failure.ts';
import type { ByteSource } from './byte-source.ts';
import { otherFormatOf, SIGN_BYTES } from './other-formats.ts';
import { openLegacyForm } from './pickle/legacy-form.ts';
import { PickleFile } from './pickle/pickle-file.ts';
import { openZipForm } from './pickle/zip-form.ts';
import { Safetensors } from './safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/** After a header's length, safetensors goes on with `{`. */
const BRACE = 0x7b;

/**
 * Opens a file of tensors. Its first bytes say what it is, never its name: a `.pth` may be called `model.safetensors`.
 * @throws Failure `checkpoint/…` that names the file and the cure.
 */
export async function openTensorFile(source: ByteSource): Promise<TensorFile> {
  const first = await source.read(0, Math.min(source.size, SIGN_BYTES));
  if (isZip(first)) return PickleFile.open(source, openZipForm);
  if (isPickle(first)) return PickleFile.open(source, openLegacyForm);
  const other = isSafetensors(first) ? undefined : otherFormatOf(first);
  if (other) {
    throw new Failure({
      code: 'checkpoint/format',
      what: `It is ${other.name}.`,
      where: source.name,
      cure: other.cure,
    });
  }
  if (first[8] === undefined || first[8] === BRACE) return Safetensors.open(source);
  throw new Failure({
    code: 'checkpoint/format',
    what: `It is neither a safetensors file nor one of PyTorch: it begins with ${shown(first.subarray(0, SHOWN_BYTES))}.`,
    where: source.name,
    cure: 'It may be a web page in place of the weights, or damaged; download it again, from where it is offered as a file.',
  });
}

/** How many first bytes a message shows of a file that is not known. */
const SHOWN_BYTES = 9;

/** As text where it is text, else as numbers. */
function shown(bytes: Uint8Array): string {
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? `"${new TextDecoder().decode(bytes)}"` : `the bytes ${[...bytes].join(' ')}`;
}

/** A header of less than 4 GB: its length may begin with the bytes by which other formats are known. */
function isSafetensors(first: Uint8Array): boolean {
  return first[8] === BRACE && first.subarray(4, 8).every((byte) => byte === 0);
}

function isZip(first: Uint8Array): boolean {
  return first[0] === 0x50 && first[1] === 0x4b && first[2] === 0x03 && first[3] === 0x04;
}

/** A bare pickle of protocol 2 to 5. */
function isPickle(first: Uint8Array): boolean {
  const [opcode, protocol = 0] = first;
  return opcode === 0x80 && protocol >= 2 && protocol <= 5 && first[8] !== BRACE;
}
