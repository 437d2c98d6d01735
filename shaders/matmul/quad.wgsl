// out[z] = op(a[z]) · op(b[z]) (+ bias)      op(a): [M, K], op(b): [K, N], out: [Z, M, N], bias: [N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups. A thread sums 16 × 8 in registers (lib/matmul-tile). The four threads of a quad
// lie side by side along n, or along m when ALONG_M, and load the operand that they share once, a quarter each: such adapters
// fetch every thread's value on its own, so that loads cost most.
enable subgroups;
override A_T: bool;
override B_T: bool;
override HAS_BIAS: bool;
override ALONG_M: bool;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;
#include "lib/matmul-tile"
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

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  if (ALONG_M) {
    tile((group.x * 4u + lane) * 16u, group.y * 8u, s);
  } else {
    tile(group.y * 16u, (group.x * 4u + lane) * 8u, s);
  }
}
