// Sizes of a kernel that makes planes out [N, outH, outW] of planes x [N, inH, inW], a thread for each pixel; rows and planes are
// those of the dispatch (src/ops/planes.ts).
struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
