import { Failure } from '../../config/failure.ts';
import { isRecord } from '../../config/is-record.ts';
import { DTYPE_BYTES, type Dtype } from './dtype.ts';
import type { TensorInfo } from './tensor-file.ts';

/** One tensor of a file. */
export interface TensorEntry extends TensorInfo {
  readonly name: string;
  /** Bytes [begin, end) of the data after the header. */
  readonly begin: number;
  readonly end: number;
}

/** What a safetensors file says of itself. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
const DAMAGED = 'The file is damaged or not a safetensors file; download or save it again.';

/**
 * Parses and checks a header: every tensor's offsets lie within the data, fit its shape and type, and neither overlap nor
 * leave holes.
 * @param text the header; @param dataBytes bytes after it; @param file its name, for messages.
 * @throws Failure `checkpoint/header`, `checkpoint/offsets`, `checkpoint/dtype`, `checkpoint/overlap`, `checkpoint/truncated`.
 */
export function parseHeader(text: string, dataBytes: number, file: string): SafetensorsHeader {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged('checkpoint/header', `The header is not JSON: ${(cause as Error).message}.`, file);
  }
  if (!isRecord(json)) throw damaged('checkpoint/header', 'The header is not a JSON object.', file);
  const twice = duplicateKey(text);
  if (twice !== null) throw damaged('checkpoint/header', 'The header names this tensor twice.', file, twice);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file);
    else tensors.set(name, parseEntry(name, value, dataBytes, file));
  }
  checkCoverage(tensors, dataBytes, file);
  return { tensors, metadata };
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const metadata: Record<string, string> = {};
  if (!isRecord(value)) throw damaged('checkpoint/header', 'The metadata is not a JSON object.', file);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw damaged('checkpoint/header', `The metadata's ${key} is not a text.`, file);
    metadata[key] = text;
  }
  return metadata;
}

function parseEntry(name: string, value: unknown, dataBytes: number, file: string): TensorEntry {
  if (!isRecord(value)) throw damaged('checkpoint/header', 'The entry is not a JSON object.', file, name);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    throw new Failure({
      code: 'checkpoint/dtype',
      what: `It is of the type ${JSON.stringify(dtype)}, which is not known here.`,
      where: `${file}, tensor ${name}`,
      cure: 'Use the unquantised weights of the model (F32, F16 or BF16); where these are, the file is damaged: download it again.',
    });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw damaged('checkpoint/header', `${JSON.stringify(shape)} is not a shape.`, file, name);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw damaged('checkpoint/offsets', `${JSON.stringify(offsets)} are not offsets.`, file, name);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end)
    throw damaged('checkpoint/offsets', `It ends at ${end}, before its start at ${begin}.`, file, name);
  if (end > dataBytes) {
    throw damaged(
      'checkpoint/truncated',
      `It should end at byte ${end} and the file holds ${dataBytes} bytes of data.`,
      file,
      name,
    );
  }
  const bytes = shape.reduce((product: number, n: number) => product * n, DTYPE_BYTES[dtype]);
  if (bytes !== end - begin) {
    throw damaged(
      'checkpoint/offsets',
      `${dtype} of shape [${shape.join(', ')}] is ${bytes} bytes and its offsets hold ${end - begin}.`,
      file,
      name,
    );
  }
  return { name, dtype, shape: shape as number[], begin, end };
}

function checkCoverage(tensors: ReadonlyMap<string, TensorEntry>, dataBytes: number, file: string): void {
  const order = [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of order) {
    if (begin < at) throw damaged('checkpoint/overlap', 'It overlaps the tensor before it.', file, name);
    if (begin > at)
      throw damaged('checkpoint/offsets', `${begin - at} bytes before it belong to no tensor.`, file, name);
    at = end;
  }
  if (at < dataBytes) {
    throw damaged('checkpoint/offsets', `The last ${dataBytes - at} bytes belong to no tensor.`, file);
  }
}

/** The first key that the outermost object holds twice, or null. `JSON.parse` keeps the last silently. */
function duplicateKey(text: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    else if (char === '"') {
      const start = i;
      for (i += 1; text[i] !== '"'; i++) if (text[i] === '\\') i += 1;
      let after = i + 1;
      while (/\s/.test(text[after] ?? '')) after += 1;
      if (depth !== 1 || text[after] !== ':') continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return null;
}

function damaged(code: string, what: string, file: string, tensor?: string): Failure {
  return new Failure({
    code,
    what,
    where: tensor === undefined ? file : `${file}, tensor ${tensor}`,
    cure: DAMAGED,
  });
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(DTYPE_BYTES, text);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
