// LayerNorm's gradient to x; formula and shapes as in layernorm/backward-any. C, the width, is a multiple of 4.
// Family of software adapters, where loads cost most: a thread takes four rows, which share the weight.
struct Params {
  width: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> stats: array<vec2f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> more: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;

// What four values add to Σ g and Σ g · n, with stats = mean, rstd.
fn sums(i: u32, w: vec4f, stats: vec2f) -> vec2f {
  let g = dout[i] * w;
  return vec2f(dot(g, vec4f(1.0)), dot(g, (x[i] - stats.x) * stats.y));
}

fn store(i: u32, w: vec4f, stats: vec2f, means: vec2f) {
  let normal = (x[i] - stats.x) * stats.y;
  var value = stats.y * (dout[i] * w - means.x - normal * means.y);
  if (HAS_MORE) { value += more[i]; }
  dx[i] = value;
}

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rows = arrayLength(&stats);
  let row = 4u * (id.x + id.y * groups.x * 4u);
  if (row >= rows) { return; }
  // Past the end the last row again.
  let r = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(rows - 1u));
  let width = params.width / 4u;
  let at = r * width;
  let statsA = stats[r.x];
  let statsB = stats[r.y];
  let statsC = stats[r.z];
  let statsD = stats[r.w];
  var a = vec2f();
  var b = vec2f();
  var c = vec2f();
  var d = vec2f();
  for (var i = 0u; i < width; i++) {
    let w = weight[i];
    a += sums(at.x + i, w, statsA);
    b += sums(at.y + i, w, statsB);
    c += sums(at.z + i, w, statsC);
    d += sums(at.w + i, w, statsD);
  }
  a /= f32(params.width);
  b /= f32(params.width);
  c /= f32(params.width);
  d /= f32(params.width);
  for (var i = 0u; i < width; i++) {
    let w = weight[i];
    store(at.x + i, w, statsA, a);
    store(at.y + i, w, statsB, b);
    store(at.z + i, w, statsC, c);
    store(at.w + i, w, statsD, d);
  }
}
