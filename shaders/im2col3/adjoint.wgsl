// out[b, h, w, c] = Σ over taps (dy, dx) of columns[b, h + 1 − dy, w + 1 − dx, (c, dy, dx)]
// columns: [B, H, W, C·9]; out: [B, H, W, C]. One thread per output, taps in order.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
@group(0) @binding(0) var<storage, read> columns: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let c = i % C;
  let token = i / C;
  let w = token % W;
  let h = (token / W) % H;
  let b = token / (W * H);
  var sum = 0.0;
  for (var tap = 0u; tap < 9u; tap++) {
    let px = w + 2u - tap % 3u;
    let py = h + 2u - tap / 3u;
    if (px == 0u || px > W || py == 0u || py > H) { continue; }
    sum += columns[(((b * H + py - 1u) * W + px - 1u) * C + c) * 9u + tap];
  }
  out[i] = sum;
}
