// dx[b, h, w, c] = Σ over taps (dy, dx) of weight[(dy, dx), c] · dout[b, (h + 1 − dy)/STRIDE, (w + 1 − dx)/STRIDE, c],
// where both quotients are whole
// weight: [9, C]; dout: [B, ⌈H/STRIDE⌉, ⌈W/STRIDE⌉, C]; dx: [B, H, W, C]. One thread per element of dx, taps in order.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override STRIDE: u32;
@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> dout: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dx)) { return; }
  let c = i % C;
  let token = i / C;
  let outH = (H + STRIDE - 1u) / STRIDE;
  let outW = (W + STRIDE - 1u) / STRIDE;
  // 1 + STRIDE is added to both so that they stay unsigned; the border is then below STRIDE and beyond outH.
  let left = token % W + 1u + STRIDE;
  let top = (token / W) % H + 1u + STRIDE;
  let b = token / (W * H);
  var sum = 0.0;
  for (var tapY = 0u; tapY < 3u; tapY++) {
    let y = (top - tapY) / STRIDE;
    if (y * STRIDE != top - tapY || y == 0u || y > outH) { continue; }
    let row = (b * outH + y - 1u) * outW;
    for (var tapX = 0u; tapX < 3u; tapX++) {
      let column = (left - tapX) / STRIDE;
      if (column * STRIDE != left - tapX || column == 0u || column > outW) { continue; }
      sum += weight[(tapY * 3u + tapX) * C + c] * dout[(row + column - 1u) * C + c];
    }
  }
  dx[i] = sum;
}
