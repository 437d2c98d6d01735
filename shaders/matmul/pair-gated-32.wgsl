// Two linear layers of equal sizes that read the same, behind one gate: kept_i = a · b_iᵀ, out_i = kept_i · gate of the row's
// sample: lib/matmul-pair, by the tiles of matmul/tile-32.   gate: [B], for rows that come sample by sample
// Family of real GPUs, 256 threads, 16 KiB.
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b0: array<vec4f>;
@group(0) @binding(2) var<storage, read> b1: array<vec4f>;
@group(0) @binding(3) var<storage, read> gate: array<f32>;
@group(0) @binding(4) var<storage, read_write> out0: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> kept0: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> kept1: array<vec4f>;
#include "lib/matmul-parts-tile"
#include "lib/matmul-column"
#include "lib/matmul-pair"

fn lengths() -> vec3u {
  return vec3u(arrayLength(&a), arrayLength(&b0), arrayLength(&out0));
}

fn ofA(which: u32, at: vec4u) -> mat4x4f { return mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]); }

fn ofB(which: u32, at: vec4u) -> mat4x4f {
  if (which == 0u) { return mat4x4f(b0[at.x], b0[at.y], b0[at.z], b0[at.w]); }
  return mat4x4f(b1[at.x], b1[at.y], b1[at.z], b1[at.w]);
}

fn biasOf(n: u32, s: Sizes) -> vec4f { return vec4f(); }

fn finish(which: u32, i: u32, sum: vec4f) {
  let gated = sum * gate[i / (arrayLength(&out0) / arrayLength(&gate))];
  if (which == 0u) {
    kept0[i] = sum;
    out0[i] = gated;
  } else {
    kept1[i] = sum;
    out1[i] = gated;
  }
}

#narrow-subgroups
@compute @workgroup_size(8, 8, PARTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  computeTile(group.y * SIDE, group.x * SIDE, local, pairSizes(group.z));
}
