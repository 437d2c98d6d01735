// One AdamW step in place. hyper = (β1, β2, eps, 1 − β1^t, 1 − β2^t, clip); ranges[r] = (start, lr, decay), one row for
// the values from 64·start on to the next row's
//   scale = min(1, clip / (√squaredNorm + 1e-6)), 1 where clip is 0
//   g = scale·grad; m = β1·m + (1 − β1)·g; v = β2·v + (1 − β2)·g²
//   param = param·(1 − lr·decay) − lr·(m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps)
// Where squaredNorm is not finite, nothing changes. param, grad, m, v: [n], n a multiple of 64; ranges: [R, 3];
// squaredNorm: [1]. One thread per vector of four.
#include "lib/index"
@group(0) @binding(0) var<storage, read_write> param: array<vec4f>;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> hyper: array<f32>;
@group(0) @binding(5) var<storage, read> ranges: array<f32>;
@group(0) @binding(6) var<storage, read> squaredNorm: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&param)) { return; }
  let squared = squaredNorm[0];
  // By the bits of the exponent: a compiler may take it that no number is infinite or none.
  if ((bitcast<u32>(squared) & 0x7f800000u) == 0x7f800000u) { return; }
  let scale = select(1.0, min(1.0, hyper[5] / (sqrt(squared) + 1e-6)), hyper[5] > 0.0);
  let start = f32(i / 16u);
  var row = 0u;
  while (row + 3u < arrayLength(&ranges) && ranges[row + 3u] <= start) { row += 3u; }
  let lr = ranges[row + 1u];
  let g = scale * grad[i];
  let first = hyper[0] * m[i] + (1.0 - hyper[0]) * g;
  let second = hyper[1] * v[i] + (1.0 - hyper[1]) * g * g;
  m[i] = first;
  v[i] = second;
  let step = (first / hyper[3]) / (sqrt(second / hyper[4]) + hyper[2]);
  param[i] = param[i] * (1.0 - lr * ranges[row + 2u]) - lr * step;
}
