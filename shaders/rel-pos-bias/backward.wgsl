// dq[m, n, h] = Σ_j dout[m, h, n, j] · (relPosH[qh − j + GRID_H − 1] for j < GRID_H, the same of relPosW after)
// + more[m, n, h] with HAS_MORE
// token n = qh·GRID_W + qw; dq: [M, GRID_H·GRID_W, HEADS·D]; dout: [M, HEADS, n, GRID_H+GRID_W]. One thread per
// element.
#include "lib/index"
override HEADS: u32;
override D: u32;
override GRID_H: u32;
override GRID_W: u32;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> relPosH: array<f32>;
@group(0) @binding(1) var<storage, read> relPosW: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> dq: array<f32>;
@group(0) @binding(4) var<storage, read> more: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dq)) { return; }
  let width = GRID_H + GRID_W;
  let tokens = GRID_H * GRID_W;
  let c = i % D;
  let head = i / D % HEADS;
  let n = i / (D * HEADS) % tokens;
  let m = i / (D * HEADS * tokens);
  let start = ((m * HEADS + head) * tokens + n) * width;
  let lastH = n / GRID_W + GRID_H - 1u;
  let lastW = n % GRID_W + GRID_W - 1u;
  var sum = 0.0;
  for (var j = 0u; j < GRID_H; j++) { sum += dout[start + j] * relPosH[(lastH - j) * D + c]; }
  for (var j = 0u; j < GRID_W; j++) { sum += dout[start + GRID_H + j] * relPosW[(lastW - j) * D + c]; }
  if (HAS_MORE) { sum += more[i]; }
  dq[i] = sum;
}
