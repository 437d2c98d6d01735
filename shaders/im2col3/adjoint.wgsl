// out[b, h, w, c] = Σ over taps (dy, dx) of columns[b, (h + 1 − dy)/STRIDE, (w + 1 − dx)/STRIDE, (c, dy, dx)], where
// both quotients are whole; MIRRORED: columns of (c, 2 − dy, 2 − dx)
// columns: [B, ⌈H/STRIDE⌉, ⌈W/STRIDE⌉, C·9]; out: [B, H, W, C]. One thread per output, taps in order.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override STRIDE: u32;
override MIRRORED: u32;
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
  let outH = (H + STRIDE - 1u) / STRIDE;
  let outW = (W + STRIDE - 1u) / STRIDE;
  var sum = 0.0;
  for (var tap = 0u; tap < 9u; tap++) {
    // STRIDE is added to both so that they stay unsigned; the border is then below STRIDE and beyond outH.
    let px = w + 1u + STRIDE - tap % 3u;
    let py = h + 1u + STRIDE - tap / 3u;
    if (px % STRIDE != 0u || py % STRIDE != 0u) { continue; }
    let x = px / STRIDE;
    let y = py / STRIDE;
    if (x == 0u || x > outW || y == 0u || y > outH) { continue; }
    let column = select(tap, 8u - tap, MIRRORED == 1u);
    sum += columns[(((b * outH + y - 1u) * outW + x - 1u) * C + c) * 9u + column];
  }
  out[i] = sum;
}
