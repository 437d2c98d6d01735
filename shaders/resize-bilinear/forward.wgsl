// out[n, oy, ox] = bilinear sample of x[n] at ((oy + ½)·IN_H/OUT_H − ½, (ox + ½)·IN_W/OUT_W − ½), clamped to the image
// x: [N, IN_H, IN_W]; out: [N, OUT_H, OUT_W]. One thread per pixel.
#include "lib/index"
override IN_H: u32;
override IN_W: u32;
override OUT_H: u32;
override OUT_W: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

// In integers, so that a place that falls on a pixel falls on it exactly: ((2·o + 1)·size_in − size_out)
// / (2·size_out).
fn place(o: u32, sizeIn: u32, sizeOut: u32) -> vec2u {
  let at = (2u * o + 1u) * sizeIn;
  let past = select(at - sizeOut, 0u, at < sizeOut);
  return vec2u(past / (2u * sizeOut), past % (2u * sizeOut));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let y = place((i / OUT_W) % OUT_H, IN_H, OUT_H);
  let c = place(i % OUT_W, IN_W, OUT_W);
  let top = (i / (OUT_W * OUT_H) * IN_H + y.x) * IN_W;
  let bottom = top + select(0u, IN_W, y.x + 1u < IN_H);
  let right = min(c.x + 1u, IN_W - 1u);
  let share = vec2f(f32(c.y) / f32(2u * OUT_W), f32(y.y) / f32(2u * OUT_H));
  let above = mix(x[top + c.x], x[top + right], share.x);
  let below = mix(x[bottom + c.x], x[bottom + right], share.x);
  out[i] = mix(above, below, share.y);
}
