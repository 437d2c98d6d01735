// LayerNorm forward; formula and shapes as in layernorm/forward-any. C is a multiple of 4, at most 1,280.
// For real GPUs: a workgroup of 64 threads a row (lib/row), which is loaded once; mean, then variance, in fixed order.
// FROM_WINDOWS: residual has the rows of the windows of x. TO_WINDOWS: cut = out in windows, zero in the padding.
#include "lib/row"
override EPS: f32;
override HAS_RESIDUAL: bool;
override HAS_AFTER: bool;
override FROM_WINDOWS: bool;
override TO_WINDOWS: bool;
alias Value = vec4f;
#include "lib/activation"
#include "lib/windows"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> s: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> cut: array<vec4f>;

// `inWindows`: where the row begins in the windows.
fn load(start: u32, inWindows: u32, i: u32, thread: u32) -> vec4f {
  if (!has(i, thread)) { return vec4f(); }
  let at = start + thread + 64u * i;
  if (HAS_RESIDUAL) {
    let sum = x[at] + residual[select(start, inWindows, FROM_WINDOWS) + thread + 64u * i];
    s[at] = sum;
    return sum;
  }
  return x[at];
}

fn square(value: vec4f, mean: f32, i: u32, thread: u32) -> f32 {
  let centred = value - mean;
  return select(0.0, dot(centred, centred), has(i, thread));
}

fn store(value: vec4f, stats: vec2f, start: u32, inWindows: u32, i: u32, thread: u32) {
  if (!has(i, thread)) { return; }
  let c = thread + 64u * i;
  let result = (value - stats.x) * stats.y * weight[c] + bias[c];
  out[start + c] = result;
  if (TO_WINDOWS) { cut[inWindows + c] = result; }
  if (HAS_AFTER) { s[start + c] = result + residual[(start + c) % arrayLength(&residual)]; }
  if (KIND < 3u) { s[start + c] = activate(result); }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let r = group.x + group.y * groups.x;
  if (TO_WINDOWS && r < arrayLength(&cut) / (C / 4u) && rowOfImages(r) == PADDING) {
    for (var c = thread; c < C / 4u; c += 64u) { cut[r * (C / 4u) + c] = vec4f(); }
  }
  if (r >= arrayLength(&stats)) { return; }
  let start = r * (C / 4u);
  var inWindows = 0u;
  if (WINDOW > 0u) { inWindows = rowOfWindows(r) * (C / 4u); }
  let row = Row(
    load(start, inWindows, 0u, thread),
    load(start, inWindows, 1u, thread),
    load(start, inWindows, 2u, thread),
    load(start, inWindows, 3u, thread),
    load(start, inWindows, 4u, thread),
  );
  let mean = rowSum(vec2f(ownSum(row), 0.0), thread).x / f32(C);
  let squares = square(row.a, mean, 0u, thread)
    + square(row.b, mean, 1u, thread)
    + square(row.c, mean, 2u, thread)
    + square(row.d, mean, 3u, thread)
    + square(row.e, mean, 4u, thread);
  let own = vec2f(mean, 1.0 / sqrt(rowSum(vec2f(squares, 0.0), thread).x / f32(C) + EPS));
  store(row.a, own, start, inWindows, 0u, thread);
  store(row.b, own, start, inWindows, 1u, thread);
  store(row.c, own, start, inWindows, 2u, thread);
  store(row.d, own, start, inWindows, 3u, thread);
  store(row.e, own, start, inWindows, 4u, thread);
  if (thread == 0u) { stats[r] = own; }
}
