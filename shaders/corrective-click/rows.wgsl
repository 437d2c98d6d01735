// The mask that answers a prompt, and counts over the columns of each of its rows that show the image and are not ignored:
// m = 0, or the first of the masks 1 … M − 1 with the highest iou where mode > ½
// mask[n, y, x] = masks[n, m, y, x]; counts[n, y] = cells (missed, marked too much, of the target), a mask being logits > 0
// masks: [N, M, ROWS, SIDE]; iou: [N, M]; mode: [N]; target: [N, ROWS, SIDE] of 0, 1, −1; draw: [N, 4] of which the first two are
// the columns and rows that show the image; mask: [N, ROWS, SIDE]; counts: [N, ROWS, 3]. One thread per row.
#include "lib/index"
override M: u32;
override ROWS: u32;
override SIDE: u32;
@group(0) @binding(0) var<storage, read> masks: array<f32>;
@group(0) @binding(1) var<storage, read> iou: array<f32>;
@group(0) @binding(2) var<storage, read> mode: array<f32>;
@group(0) @binding(3) var<storage, read> target_: array<f32>;
@group(0) @binding(4) var<storage, read> draw: array<f32>;
@group(0) @binding(5) var<storage, read_write> mask: array<f32>;
@group(0) @binding(6) var<storage, read_write> counts: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (3u * row >= arrayLength(&counts)) { return; }
  let n = row / ROWS;
  let y = row % ROWS;
  var m = 0u;
  if (mode[n] > 0.5) {
    m = 1u;
    for (var other = 2u; other < M; other++) {
      if (iou[n * M + other] > iou[n * M + m]) { m = other; }
    }
  }
  let source = ((n * M + m) * ROWS + y) * SIDE;
  let to = row * SIDE;
  let shown = select(0u, u32(draw[4u * n]), y < u32(draw[4u * n + 1u]));
  var sums = vec3u();
  for (var x = 0u; x < SIDE; x++) {
    let logit = masks[source + x];
    mask[to + x] = logit;
    let wanted = target_[to + x];
    if (x >= shown || wanted < 0.0) { continue; }
    let isSet = logit > 0.0;
    let isWanted = wanted > 0.5;
    sums += vec3u(u32(isWanted && !isSet), u32(!isWanted && isSet), u32(isWanted));
  }
  counts[3u * row] = sums.x;
  counts[3u * row + 1u] = sums.y;
  counts[3u * row + 2u] = sums.z;
}
