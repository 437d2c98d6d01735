// LayerNorm's gradient to x, formula and shapes as in layernorm/backward-any, and with HAS_PARAMS
// partial[p, c] = Σ_r dout · n,  partial[p, C + c] = Σ_r dout      over the rows r of workgroup p
// C is a multiple of 4, at most 1,280; partial: [P, 2C]. With WINDOW above 0, and then without HAS_PARAMS, partial gets
// dx in windows instead, zero in the padding.
// For real GPUs: a workgroup of 64 threads takes the rows p, p + P, …, one after the other (lib/row), and loads each once.
#include "lib/row"
#include "lib/windows"
override HAS_MORE: bool;
override HAS_PARAMS: bool;
// dout is the sum of dout and second.
override HAS_SECOND: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> stats: array<vec2f>;
@group(0) @binding(3) var<storage, read> dout: array<vec4f>;
@group(0) @binding(4) var<storage, read> more: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(7) var<storage, read> second: array<vec4f>;

// n, zero past the end.
fn loadNormal(stats: vec2f, start: u32, i: u32, thread: u32) -> vec4f {
  if (!has(i, thread)) { return vec4f(); }
  return (x[start + thread + 64u * i] - stats.x) * stats.y;
}

fn loadDout(start: u32, i: u32, thread: u32) -> vec4f {
  if (!has(i, thread)) { return vec4f(); }
  let at = start + thread + 64u * i;
  if (HAS_SECOND) { return dout[at] + second[at]; }
  return dout[at];
}

fn loadWeight(i: u32, thread: u32) -> vec4f {
  if (!has(i, thread)) { return vec4f(); }
  return weight[thread + 64u * i];
}

fn product(p: Row, q: Row) -> Row {
  return Row(p.a * q.a, p.b * q.b, p.c * q.c, p.d * q.d, p.e * q.e);
}

fn sum(p: Row, q: Row) -> Row {
  return Row(p.a + q.a, p.b + q.b, p.c + q.c, p.d + q.d, p.e + q.e);
}

fn store(g: vec4f, normal: vec4f, rstd: f32, means: vec2f, start: u32, inWindows: u32, i: u32, thread: u32) {
  if (!has(i, thread)) { return; }
  let at = start + thread + 64u * i;
  var value = rstd * (g - means.x - normal * means.y);
  if (HAS_MORE) { value += more[at]; }
  dx[at] = value;
  if (WINDOW > 0u) { partial[inWindows + thread + 64u * i] = value; }
}

fn storePartial(dweight: vec4f, dbias: vec4f, p: u32, i: u32, thread: u32) {
  if (!has(i, thread)) { return; }
  let at = p * (C / 2u) + thread + 64u * i;
  partial[at] = dweight;
  partial[at + C / 4u] = dbias;
}

#narrow-subgroups
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let p = group.x + group.y * groups.x;
  if (WINDOW > 0u && p < arrayLength(&partial) / (C / 4u) && rowOfImages(p) == PADDING) {
    for (var c = thread; c < C / 4u; c += 64u) { partial[p * (C / 4u) + c] = vec4f(); }
  }
  let w = Row(
    loadWeight(0u, thread),
    loadWeight(1u, thread),
    loadWeight(2u, thread),
    loadWeight(3u, thread),
    loadWeight(4u, thread),
  );
  var dweight = Row();
  var dbias = Row();
  for (var r = p; r < arrayLength(&stats); r += groups.x * groups.y) {
    let own = stats[r];
    let start = r * (C / 4u);
    var inWindows = 0u;
    if (WINDOW > 0u) { inWindows = rowOfWindows(r) * (C / 4u); }
    let n = Row(
      loadNormal(own, start, 0u, thread),
      loadNormal(own, start, 1u, thread),
      loadNormal(own, start, 2u, thread),
      loadNormal(own, start, 3u, thread),
      loadNormal(own, start, 4u, thread),
    );
    let upstream = Row(
      loadDout(start, 0u, thread),
      loadDout(start, 1u, thread),
      loadDout(start, 2u, thread),
      loadDout(start, 3u, thread),
      loadDout(start, 4u, thread),
    );
    let g = product(upstream, w);
    let means = rowSum(vec2f(ownSum(g), ownSum(product(g, n))), thread) / f32(C);
    store(g.a, n.a, own.y, means, start, inWindows, 0u, thread);
    store(g.b, n.b, own.y, means, start, inWindows, 1u, thread);
    store(g.c, n.c, own.y, means, start, inWindows, 2u, thread);
    store(g.d, n.d, own.y, means, start, inWindows, 3u, thread);
    store(g.e, n.e, own.y, means, start, inWindows, 4u, thread);
    if (HAS_PARAMS) {
      dweight = sum(dweight, product(upstream, n));
      dbias = sum(dbias, upstream);
    }
  }
  if (HAS_PARAMS) {
    storePartial(dweight.a, dbias.a, p, 0u, thread);
    storePartial(dweight.b, dbias.b, p, 1u, thread);
    storePartial(dweight.c, dbias.c, p, 2u, thread);
    storePartial(dweight.d, dbias.d, p, 3u, thread);
    storePartial(dweight.e, dbias.e, p, 4u, thread);
  }
}
