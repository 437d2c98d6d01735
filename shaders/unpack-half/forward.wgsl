// out[2i], out[2i+1] = the low and the high half of words[i]      words: [n/2], out: any shape of n
// In integers, since `unpack2x16float` may take subnormal halves for 0 on one GPU and not on another.
#include "lib/index"
@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<vec2f>;

fn valueOf(half: u32) -> f32 {
  let bits = half & 0x7fffu;
  // Exponents are biased by 15 and 127. Infinities and NaN are never stored.
  let normal = bitcast<f32>((bits << 13u) + (112u << 23u));
  let magnitude = select(normal, f32(bits) * 0x1p-24f, bits < 0x400u);
  return select(magnitude, -magnitude, (half & 0x8000u) != 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&words)) { return; }
  let word = words[i];
  out[i] = vec2f(valueOf(word & 0xffffu), valueOf(word >> 16u));
}
