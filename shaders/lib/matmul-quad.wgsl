// Blocks of matmul's families that use subgroups: the four threads of a quad load the operand that they share once, a
// quarter each. Software adapters fetch every thread's value separately, so loads cost most there.
// The including shader declares ALONG_M.
#include "lib/matmul-vectors"
var<private> lane: u32;

// The place that this thread loads from.
fn own(start: vec4u) -> u32 {
  return select(select(start.x, start.y, lane == 1u), select(start.z, start.w, lane == 3u), lane > 1u);
}

// The four columns of a block, each loaded by one thread of the quad.
fn together(part: vec4f) -> mat4x4f {
  return mat4x4f(quadBroadcast(part, 0u), quadBroadcast(part, 1u), quadBroadcast(part, 2u), quadBroadcast(part, 3u));
}

fn aBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  var block: mat4x4f;
  if (ALONG_M) {
    block = mat4x4f(
      aVector(start.x, 0u, k, s),
      aVector(start.y, 1u, k, s),
      aVector(start.z, 2u, k, s),
      aVector(start.w, 3u, k, s),
    );
  } else {
    block = together(aVector(own(start), lane, k, s));
  }
  if (A_T) { block = transpose(block); }
  return block;
}

fn bBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  var block: mat4x4f;
  if (ALONG_M) {
    block = together(bVector(own(start), k, s));
  } else {
    block = mat4x4f(bVector(start.x, k, s), bVector(start.y, k, s), bVector(start.z, k, s), bVector(start.w, k, s));
  }
  if (B_T) { block = transpose(block); }
  return block;
}
