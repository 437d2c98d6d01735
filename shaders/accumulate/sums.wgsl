// tK[i] += Σ_r xK[r, i] for up to four targets, each of its own length
// xK: [R, |tK|]; with SHARED_0 (SHARED_2) x0 (x2) is [R, |t0| + |t1|] ([R, |t2| + |t3|]) and has the columns of both.
// 256 threads of a workgroup share 256/LANES neighbouring columns: thread t sums every LANES-th row of column t mod
// (256/LANES), and a tree adds the threads of a column: the same order every time. K is the dispatch's z.
override LANES: u32;
override SHARED_0: bool;
override SHARED_2: bool;
@group(0) @binding(0) var<storage, read_write> t0: array<f32>;
@group(0) @binding(1) var<storage, read> x0: array<f32>;
@group(0) @binding(2) var<storage, read_write> t1: array<f32>;
@group(0) @binding(3) var<storage, read> x1: array<f32>;
@group(0) @binding(4) var<storage, read_write> t2: array<f32>;
@group(0) @binding(5) var<storage, read> x2: array<f32>;
@group(0) @binding(6) var<storage, read_write> t3: array<f32>;
@group(0) @binding(7) var<storage, read> x3: array<f32>;
var<workgroup> sums: array<f32, 256>;

struct Source {
  // Which x.
  x: u32,
  first: u32,
  stride: u32,
  length: u32,
  // Of the target.
  size: u32,
}

fn sourceOf(k: u32) -> Source {
  let n0 = arrayLength(&t0);
  let n1 = arrayLength(&t1);
  let n2 = arrayLength(&t2);
  let n3 = arrayLength(&t3);
  switch k {
    case 0u: { return Source(0u, 0u, select(n0, n0 + n1, SHARED_0), arrayLength(&x0), n0); }
    case 1u: {
      if (SHARED_0) { return Source(0u, n0, n0 + n1, arrayLength(&x0), n1); }
      return Source(1u, 0u, n1, arrayLength(&x1), n1);
    }
    case 2u: { return Source(2u, 0u, select(n2, n2 + n3, SHARED_2), arrayLength(&x2), n2); }
    default: {
      if (SHARED_2) { return Source(2u, n2, n2 + n3, arrayLength(&x2), n3); }
      return Source(3u, 0u, n3, arrayLength(&x3), n3);
    }
  }
}

fn load(x: u32, i: u32) -> f32 {
  switch x {
    case 0u: { return x0[i]; }
    case 1u: { return x1[i]; }
    case 2u: { return x2[i]; }
    default: { return x3[i]; }
  }
}

fn put(k: u32, i: u32, sum: f32) {
  switch k {
    case 0u: { t0[i] += sum; }
    case 1u: { t1[i] += sum; }
    case 2u: { t2[i] += sum; }
    default: { t3[i] += sum; }
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let columns = 256u / LANES;
  let i = (group.x + group.y * groups.x) * columns + thread % columns;
  let source = sourceOf(group.z);
  var sum = 0.0;
  if (i < source.size) {
    for (var at = thread / columns * source.stride; at < source.length; at += LANES * source.stride) {
      sum += load(source.x, at + source.first + i);
    }
  }
  if (LANES == 1u) {
    if (i < source.size) { put(group.z, i, sum); }
  } else {
    sums[thread] = sum;
    for (var half = 128u; half >= columns; half /= 2u) {
      workgroupBarrier();
      if (thread < half) { sums[thread] += sums[thread + half]; }
    }
    workgroupBarrier();
    if (thread < columns && i < source.size) { put(group.z, i, sums[thread]); }
  }
}
