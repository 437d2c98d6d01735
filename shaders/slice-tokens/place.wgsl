// out[n, START_K + t, c] = pieceK[n, t, c], zero where no piece is, lib/token-pieces      out: [N, tokens, features]
// One thread per element of out.
#include "lib/index"
#include "lib/token-pieces"
@group(0) @binding(0) var<storage, read> piece0: array<f32>;
@group(0) @binding(1) var<storage, read> piece1: array<f32>;
@group(0) @binding(2) var<storage, read> piece2: array<f32>;
@group(0) @binding(3) var<storage, read> piece3: array<f32>;
@group(0) @binding(4) var<storage, read> piece4: array<f32>;
@group(0) @binding(5) var<storage, read> piece5: array<f32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  var value = 0.0;
  let p0 = placeIn(i, params.start0, params.length0);
  if (p0.isInside) { value = piece0[p0.at]; }
  let p1 = placeIn(i, params.start1, params.length1);
  if (p1.isInside) { value = piece1[p1.at]; }
  let p2 = placeIn(i, params.start2, params.length2);
  if (p2.isInside) { value = piece2[p2.at]; }
  let p3 = placeIn(i, params.start3, params.length3);
  if (p3.isInside) { value = piece3[p3.at]; }
  let p4 = placeIn(i, params.start4, params.length4);
  if (p4.isInside) { value = piece4[p4.at]; }
  let p5 = placeIn(i, params.start5, params.length5);
  if (p5.isInside) { value = piece5[p5.at]; }
  out[i] = value;
}
