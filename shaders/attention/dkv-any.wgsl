// Attention's gradients to k and v for heads of any width; formula and shapes as in attention/dkv-tile.
// One thread per feature of dk and dv, summing over the queries in order.
#include "lib/index"
#include "lib/attention-any"
#include "lib/attention-any-backward"
@group(0) @binding(6) var<storage, read_write> dk: array<f32>;
@group(0) @binding(7) var<storage, read_write> dv: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = flatIndex(id, groups);
  if (element >= arrayLength(&dk)) { return; }
  let head = element / D % HEADS;
  let j = element / (D * HEADS) % NK;
  let m = element / (D * HEADS * NK);
  let c = element % D;
  var gradK = 0.0;
  var gradV = 0.0;
  for (var n = 0u; n < NQ; n++) {
    let row = rowOf(((m * NQ + n) * HEADS + head) * D + c);
    let p = probability(row, j);
    gradK += p.y * q[row.at + c];
    gradV += p.x * dout[row.at + c];
  }
  dk[element] = gradK * SCALE;
  dv[element] = gradV;
}
