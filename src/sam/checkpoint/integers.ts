import type { Dtype } from './dtype.ts';

/**
 * Little-endian integers and booleans as f32; exact up to 2^24.
 * @throws RangeError for types that are neither.
 */
export function decodeIntegers(bytes: Uint8Array, dtype: Dtype): Float32Array {
  const buffer = new Uint8Array(bytes).buffer;
  switch (dtype) {
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    case 'U8':
    case 'BOOL':
      return Float32Array.from(new Uint8Array(buffer));
    case 'F64':
    case 'F32':
    case 'F16':
    case 'BF16':
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'C64':
    case 'C128':
      throw new RangeError(`${dtype} is not an integer type`);
  }
}
