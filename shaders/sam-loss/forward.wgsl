// loss[n] = weight[n] · (FOCAL·focal + dice + iou) of what is supervised; saved[n] = (focal, dice, iou, token)
// mode 0: token 0, iou = (predicted₀ − real₀)²
// mode 1: of the tokens 1 … M − 1 the first with the least FOCAL·focal + dice,
//         iou = the mean of (predicted − real)² over them
// real < 0: no pixel takes part, and the error is 0
// parts: [N, M, 2]; predicted, real: [N, M]; mode, weight, loss: [N]; saved: [N, 4]
// One thread per object, tokens in order.
#include "lib/index"
override M: u32;
override FOCAL: f32;
@group(0) @binding(0) var<storage, read> parts: array<vec2f>;
@group(0) @binding(1) var<storage, read> predicted: array<f32>;
@group(0) @binding(2) var<storage, read> real: array<f32>;
@group(0) @binding(3) var<storage, read> mode: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> saved: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let n = flatIndex(id, groups);
  if (n >= arrayLength(&loss)) { return; }
  let several = mode[n] > 0.5;
  let first = select(0u, 1u, several);
  let end = select(1u, M, several);
  var token = first;
  var iou = 0.0;
  for (var m = first; m < end; m++) {
    let part = parts[n * M + m];
    let best = parts[n * M + token];
    if (FOCAL * part.x + part.y < FOCAL * best.x + best.y) { token = m; }
    let error = select(0.0, predicted[n * M + m] - real[n * M + m], real[n * M + m] >= 0.0);
    iou += error * error;
  }
  iou /= f32(end - first);
  let chosen = parts[n * M + token];
  saved[n] = vec4f(chosen.x, chosen.y, iou, f32(token));
  loss[n] = weight[n] * (FOCAL * chosen.x + chosen.y + iou);
}
