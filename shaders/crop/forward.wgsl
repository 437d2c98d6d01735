// out[n, row, column] = x[n, row, column], the upper left corner of x
// x: [N, inH, inW]; out: [N, outH, outW]. A copy: nothing is summed. Rows and planes are those of the dispatch.
struct Params {
  inH: u32,
  inW: u32,
  outH: u32,
  outW: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.outW) { return; }
  out[(id.z * params.outH + id.y) * params.outW + id.x] = x[(id.z * params.inH + id.y) * params.inW + id.x];
}
