import { Failure } from '../../../config/failure.ts';
import type { ByteSource } from '../byte-source.ts';
import { DTYPE_BYTES } from '../dtype.ts';
import {
  type HostTensor,
  missingTensor,
  type TensorFile,
  type TensorInfo,
  truncatedTensor,
  weightsOf,
} from '../tensor-file.ts';
import { damaged } from './damaged.ts';
import { namedTensors } from './named-tensors.ts';
import type { PytorchFile } from './pytorch-file.ts';
import { bytesOf, type TensorView } from './values.ts';

/** A tensor may be a view that repeats elements, but not to more than this many beyond those of its storage. */
const MAX_REPEATED_ELEMENTS = 2 ** 24;

/** What `torch.save` wrote, in either form. Storages stay in the file until a tensor of theirs is asked for. */
export class PickleFile implements TensorFile {
  readonly format = 'pickle';
  readonly metadata: Readonly<Record<string, string>> = {};

  private constructor(
    readonly name: string,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    readonly leftOut: readonly string[],
    private readonly file: PytorchFile,
    private readonly views: ReadonlyMap<string, TensorView>,
  ) {}

  /**
   * Reads the pickle and checks every tensor against its storage.
   * @param open the reader of the file's form.
   * @throws Failure `checkpoint/pickle-…`, `checkpoint/zip-…`, `checkpoint/offsets`, `checkpoint/truncated`.
   */
  static async open(
    source: ByteSource,
    open: (source: ByteSource) => Promise<PytorchFile>,
  ): Promise<PickleFile> {
    const file = await open(source);
    const { views, leftOut } = namedTensors(file.value, source.name);
    const tensors = new Map<string, TensorInfo>();
    for (const [name, view] of views) {
      checkView(view, file, `${source.name}, tensor ${name}`);
      tensors.set(name, { dtype: view.dtype, shape: view.shape });
    }
    return new PickleFile(source.name, tensors, leftOut, file, views);
  }

  async read(name: string): Promise<HostTensor> {
    const view = this.views.get(name);
    if (!view) throw missingTensor(name, this.name);
    const size = DTYPE_BYTES[view.dtype];
    const begin = view.offset * size;
    const end = begin + spanOf(view) * size;
    const bytes = begin < end ? await this.file.readStorage(view.storage.key, begin, end) : new Uint8Array();
    if (bytes.length < end - begin) throw truncatedTensor(name, this.name, end - begin - bytes.length);
    const values = isContiguous(view) ? bytes : gather(bytes, view, size);
    return weightsOf(
      this.file.isLittleEndian ? values : swapped(values, size),
      view,
      `${this.name}, tensor ${name}`,
    );
  }
}

const elementsOf = ({ shape }: TensorView): number => shape.reduce((product, n) => product * n, 1);

/** Elements of the storage from the view's first to its last. */
function spanOf({ shape, strides }: TensorView): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, n, axis) => last + (n - 1) * (strides[axis] ?? 0), 1);
}

function isContiguous({ shape, strides }: TensorView): boolean {
  let want = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    if (length !== 1 && strides[axis] !== want) return false;
    want *= length;
  }
  return true;
}

function checkView(view: TensorView, file: PytorchFile, where: string): void {
  const { storage, dtype, offset, shape } = view;
  const size = DTYPE_BYTES[dtype];
  const has = bytesOf(storage);
  const end = (offset + spanOf(view)) * size;
  // Sums and products of lengths beyond 2^53 only grow, so the comparison holds for them as well.
  if (end > has) {
    throw new Failure({
      code: 'checkpoint/offsets',
      what: `It ends at byte ${end} of its storage, which has ${has}.`,
      where,
      cure: 'The file is damaged; download or save it again.',
    });
  }
  const elements = elementsOf(view);
  if (elements > Math.max(has / size, MAX_REPEATED_ELEMENTS))
    throw damaged(
      `Its shape [${shape.join(', ')}] has ${elements} elements and its storage ${has / size}.`,
      where,
    );
  const stored = file.storageBytes(storage.key) ?? (has === 0 ? 0 : null);
  if (stored === null) throw damaged(`Its storage ${storage.key} is not in the file.`, where);
  if (stored < has)
    throw damaged(`Its storage ${storage.key} has ${stored} bytes in the file and needs ${has}.`, where);
}

/** The elements of a view one after another. */
function gather(bytes: Uint8Array, view: TensorView, size: number): Uint8Array {
  const { shape, strides } = view;
  const out = new Uint8Array(elementsOf(view) * size);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += size) {
    for (let byte = 0; byte < size; byte++) out[to + byte] = bytes[from * size + byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        from += stride;
        break;
      }
      index[axis] = 0;
      from -= (next - 1) * stride;
    }
  }
  return out;
}

/** Elements of a big-endian machine, least byte first. */
function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < out.length; at += size) out.subarray(at, at + size).reverse();
  return out;
}
