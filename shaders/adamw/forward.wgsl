// One AdamW step in place. hyper = (lr, β1, β2, eps, decay, 1 − β1^t, 1 − β2^t, gradScale)
//   g = gradScale·grad; m = β1·m + (1 − β1)·g; v = β2·v + (1 − β2)·g²
//   param = param·(1 − lr·decay) − lr·(m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps)
// param, grad, m, v: any shape of one size. One thread per element.
#include "lib/index"
@group(0) @binding(0) var<storage, read_write> param: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read> hyper: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&param)) { return; }
  let lr = hyper[0];
  let g = hyper[7] * grad[i];
  let first = hyper[1] * m[i] + (1.0 - hyper[1]) * g;
  let second = hyper[2] * v[i] + (1.0 - hyper[2]) * g * g;
  m[i] = first;
  v[i] = second;
  let step = (first / hyper[5]) / (sqrt(second / hyper[6]) + hyper[3]);
  param[i] = param[i] * (1.0 - lr * hyper[4]) - lr * step;
}
