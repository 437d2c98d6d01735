// out[i] = [sin, cos](2π · (2·(coords[i] + OFFSET)/IMAGE_SIZE − 1) · gaussian) + table[labels[i] + 1]
// The sine and cosine of a label of −1 are left out. coords: [N·T, 2]; labels: [N·T]; gaussian: [2, D/2];
// table: [5, D];
// out: [N·T, D]. The angle is kept in turns and the sine is our own: WGSL promises sin() to 2⁻¹¹ only.
#include "lib/index"
override D: u32;
override IMAGE_SIZE: f32;
override OFFSET: f32;
override HAS_LABELS: bool;
@group(0) @binding(0) var<storage, read> coords: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<f32>;
@group(0) @binding(2) var<storage, read> gaussian: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

// sin(2π·turns): folded to a quarter turn, then Taylor's series to the 11th power (error under 6e-8).
fn sinTurns(turns: f32) -> f32 {
  var t = turns - round(turns);
  if (t > 0.25) { t = 0.5 - t; }
  if (t < -0.25) { t = -0.5 - t; }
  let x = 6.283185307179586 * t;
  let y = x * x;
  let tail = 1.0 / 120.0 + y * (-1.0 / 5040.0 + y * (1.0 / 362880.0 + y * (-1.0 / 39916800.0)));
  return x * (1.0 + y * (-1.0 / 6.0 + y * tail));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let point = i / D;
  let f = i % D;
  let half = D / 2u;
  let column = f % half;
  let u = 2.0 * ((coords[2u * point] + OFFSET) / IMAGE_SIZE) - 1.0;
  let v = 2.0 * ((coords[2u * point + 1u] + OFFSET) / IMAGE_SIZE) - 1.0;
  let turns = u * gaussian[column] + v * gaussian[half + column];
  // Taken to within half a turn first, so that the cosine's quarter costs no digits.
  let place = sinTurns(turns - round(turns) + select(0.25, 0.0, f < half));
  var value = place;
  if (HAS_LABELS) {
    let label = labels[point];
    value = select(place, 0.0, label < 0.0) + table[u32(label + 1.5) * D + f];
  }
  out[i] = value;
}
