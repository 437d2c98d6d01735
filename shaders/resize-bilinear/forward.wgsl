// out[n, oy, ox] = bilinear sample of x[n] at ((oy + ½)·inH/outH − ½, (ox + ½)·inW/outW − ½), clamped to the image
// x: [N, inH, inW]; out: [N, outH, outW]. One thread per pixel.
#include "lib/planes"

// In integers, so that a place that falls on a pixel falls on it exactly: ((2·o + 1)·size_in − size_out)
// / (2·size_out), and what is left. The quotient of floats is off by one at most; that of integers takes a software
// adapter several times as long.
fn place(o: u32, sizeIn: u32, sizeOut: u32) -> vec2u {
  let at = (2u * o + 1u) * sizeIn;
  let past = select(at - sizeOut, 0u, at < sizeOut);
  let whole = 2u * sizeOut;
  var quotient = u32(f32(past) / f32(whole));
  quotient -= select(0u, 1u, quotient * whole > past);
  quotient += select(0u, 1u, past - quotient * whole >= whole);
  return vec2u(quotient, past - quotient * whole);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.outW) { return; }
  let y = place(id.y, params.inH, params.outH);
  let c = place(id.x, params.inW, params.outW);
  let top = (id.z * params.inH + y.x) * params.inW;
  let bottom = top + select(0u, params.inW, y.x + 1u < params.inH);
  let right = min(c.x + 1u, params.inW - 1u);
  let share = vec2f(f32(c.y) / f32(2u * params.outW), f32(y.y) / f32(2u * params.outH));
  let above = mix(x[top + c.x], x[top + right], share.x);
  let below = mix(x[bottom + c.x], x[bottom + right], share.x);
  out[(id.z * params.outH + id.y) * params.outW + id.x] = mix(above, below, share.y);
}
