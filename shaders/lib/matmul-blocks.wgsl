// 4 × 4 blocks of op(a) and op(b) where the innermost axes are multiples of 4, every thread its own: as lib/matmul-tile
// wants them.
#include "lib/matmul-vectors"

fn aBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let block = mat4x4f(
    aVector(start.x, 0u, k, s),
    aVector(start.y, 1u, k, s),
    aVector(start.z, 2u, k, s),
    aVector(start.w, 3u, k, s),
  );
  if (A_T) { return transpose(block); }
  return block;
}

fn bBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let block = mat4x4f(bVector(start.x, k, s), bVector(start.y, k, s), bVector(start.z, k, s), bVector(start.w, k, s));
  if (B_T) { return transpose(block); }
  return block;
}
