// pieceK[n, t, c] = x[n, START_K + t, c], lib/token-pieces      x: [N, tokens, features]. One thread per element of x.
#include "lib/index"
#include "lib/token-pieces"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> piece0: array<f32>;
@group(0) @binding(2) var<storage, read_write> piece1: array<f32>;
@group(0) @binding(3) var<storage, read_write> piece2: array<f32>;
@group(0) @binding(4) var<storage, read_write> piece3: array<f32>;
@group(0) @binding(5) var<storage, read_write> piece4: array<f32>;
@group(0) @binding(6) var<storage, read_write> piece5: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&x)) { return; }
  let p0 = placeIn(i, params.start0, params.length0);
  if (p0.isInside) { piece0[p0.at] = x[i]; }
  let p1 = placeIn(i, params.start1, params.length1);
  if (p1.isInside) { piece1[p1.at] = x[i]; }
  let p2 = placeIn(i, params.start2, params.length2);
  if (p2.isInside) { piece2[p2.at] = x[i]; }
  let p3 = placeIn(i, params.start3, params.length3);
  if (p3.isInside) { piece3[p3.at] = x[i]; }
  let p4 = placeIn(i, params.start4, params.length4);
  if (p4.isInside) { piece4[p4.at] = x[i]; }
  let p5 = placeIn(i, params.start5, params.length5);
  if (p5.isInside) { piece5[p5.at] = x[i]; }
}
