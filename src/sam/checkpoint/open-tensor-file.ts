import { Failure } from '../../config/failure.ts';
import type { ByteSource } from './byte-source.ts';
import { openLegacyForm } from './pickle/legacy-form.ts';
import { PickleFile } from './pickle/pickle-file.ts';
import { openZipForm } from './pickle/zip-form.ts';
import { Safetensors } from './safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/** Bytes that tell the formats apart: after a header's length, safetensors goes on with `{`. */
const FIRST_BYTES = 9;
const BRACE = 0x7b;

/**
 * Opens a file of tensors. Its first bytes say what it is, never its name: a `.pth` may be called `model.safetensors`.
 * @throws Failure `checkpoint/…` that names the file and the cure.
 */
export async function openTensorFile(source: ByteSource): Promise<TensorFile> {
  const first = await source.read(0, Math.min(source.size, FIRST_BYTES));
  if (isZip(first)) return PickleFile.open(source, openZipForm);
  if (isPickle(first)) return PickleFile.open(source, openLegacyForm);
  if (first[8] === undefined || first[8] === BRACE) return Safetensors.open(source);
  throw new Failure({
    code: 'checkpoint/format',
    what: `It is neither a safetensors file nor one of PyTorch: it begins with ${shown(first)}.`,
    where: source.name,
    cure: 'It may be a web page or a link in place of the weights, or damaged; download it again, from where it is offered as a file.',
  });
}

/** As text where it is text, else as numbers. */
function shown(bytes: Uint8Array): string {
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? `"${new TextDecoder().decode(bytes)}"` : `the bytes ${[...bytes].join(' ')}`;
}

function isZip(first: Uint8Array): boolean {
  return first[0] === 0x50 && first[1] === 0x4b && first[2] === 0x03 && first[3] === 0x04;
}

/** A bare pickle of protocol 2 to 5. */
function isPickle(first: Uint8Array): boolean {
  const [opcode, protocol = 0] = first;
  return opcode === 0x80 && protocol >= 2 && protocol <= 5 && first[8] !== BRACE;
}
