import type { Dtype } from './dtype.ts';

/** Little-endian floats of any width as f32, or null when the type is no float. */
export function decodeFloats(bytes: Uint8Array, dtype: Dtype): Float32Array | null {
  switch (dtype) {
    case 'F32':
      return new Float32Array(aligned(bytes));
    case 'F64':
      return Float32Array.from(new Float64Array(aligned(bytes)));
    case 'F16':
      return halves(new Uint16Array(aligned(bytes)), f16BitsToF32Bits);
    case 'BF16':
      return halves(new Uint16Array(aligned(bytes)), (half) => (half << 16) >>> 0);
    case 'I64':
    case 'I32':
    case 'I16':
    case 'I8':
    case 'U64':
    case 'U32':
    case 'U16':
    case 'U8':
    case 'BOOL':
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'C64':
    case 'C128':
      return null;
  }
}

/** A copy that starts at a multiple of every element size. Typed arrays are little-endian wherever a browser runs. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function halves(values: Uint16Array, toBits: (half: number) => number): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = toBits(values[i] ?? 0);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16 to binary32, subnormals, infinities and NaN included; exact. */
function f16BitsToF32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // A subnormal is mantissa · 2⁻²⁴; as f32 it is normal.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}
