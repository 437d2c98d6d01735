import { Failure } from '../../config/failure.ts';
import type { ByteSource } from './byte-source.ts';
import { Safetensors } from './safetensors.ts';
import type { TensorFile } from './tensor-file.ts';

/**
 * Opens a file of tensors. Its first bytes say what it is, never its name: a `.pth` may be called `model.safetensors`.
 * @throws Failure `checkpoint/…` that names the file and the cure.
 */
export async function openTensorFile(source: ByteSource): Promise<TensorFile> {
  const first = await source.read(0, Math.min(source.size, 8));
  const pickled = pickleKind(first);
  if (pickled) {
    throw new Failure({
      code: 'checkpoint/pickle',
      what: `This is ${pickled}, which can run code when it is opened and is not read here.`,
      where: source.name,
      cure: 'Convert it to .safetensors with the safetensors package, or take the Hugging Face version of the model.',
    });
  }
  return Safetensors.open(source);
}

/** PyTorch's own formats by their first bytes: a zip, or a bare pickle of protocol 2 … 5. */
function pickleKind(bytes: Uint8Array): string | null {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03)
    return 'a PyTorch file (a zip with a pickle)';
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2 && (bytes[1] ?? 0) <= 5 && bytes[7] !== 0)
    return 'a Python pickle';
  return null;
}
