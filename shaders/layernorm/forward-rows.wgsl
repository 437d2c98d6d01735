// LayerNorm forward; formula and shapes as in layernorm/forward-any. C, the width, is a multiple of 4.
// Family of software adapters, where loads cost most: a thread takes four rows, which share weight and bias, and goes
// over them twice. Mean and variance come from one pass: those of every vector of four are merged into those of the
// values before it (Chan, Golub and LeVeque, 1979), which loses no digits where the mean is far above the deviation.
struct Params {
  width: u32,
  eps: f32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_RESIDUAL: bool;
override HAS_AFTER: bool;
alias Value = vec4f;
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> s: array<vec4f>;

fn first(i: u32) -> vec4f {
  if (HAS_RESIDUAL) {
    let sum = x[i] + residual[i];
    s[i] = sum;
    return sum;
  }
  return x[i];
}

fn again(i: u32) -> vec4f {
  if (HAS_RESIDUAL) { return s[i]; }
  return x[i];
}

fn store(i: u32, value: vec4f) {
  out[i] = value;
  if (HAS_AFTER) { s[i] = value + residual[i % arrayLength(&residual)]; }
  if (KIND < 3u) { s[i] = activate(value); }
}

// Mean and Σ (v − mean)² of `count` values, and of four more.
fn merged(before: vec2f, count: f32, four: vec4f) -> vec2f {
  let mean = dot(four, vec4f(0.25));
  let centred = four - mean;
  let apart = mean - before.x;
  let share = 4.0 / (count + 4.0);
  return vec2f(before.x + apart * share, before.y + dot(centred, centred) + apart * apart * count * share);
}

// Mean and 1/std.
fn finished(sums: vec2f) -> vec2f {
  return vec2f(sums.x, 1.0 / sqrt(sums.y / f32(params.width) + params.eps));
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
  var a = vec2f();
  var b = vec2f();
  var c = vec2f();
  var d = vec2f();
  for (var i = 0u; i < width; i++) {
    let count = f32(4u * i);
    a = merged(a, count, first(at.x + i));
    b = merged(b, count, first(at.y + i));
    c = merged(c, count, first(at.z + i));
    d = merged(d, count, first(at.w + i));
  }
  a = finished(a);
  b = finished(b);
  c = finished(c);
  d = finished(d);
  for (var i = 0u; i < width; i++) {
    let w = weight[i];
    let plus = bias[i];
    store(at.x + i, (again(at.x + i) - a.x) * a.y * w + plus);
    store(at.y + i, (again(at.y + i) - b.x) * b.y * w + plus);
    store(at.z + i, (again(at.z + i) - c.x) * c.y * w + plus);
    store(at.w + i, (again(at.w + i) - d.x) * d.y * w + plus);
  }
  stats[r.x] = a;
  stats[r.y] = b;
  stats[r.z] = c;
  stats[r.w] = d;
}
