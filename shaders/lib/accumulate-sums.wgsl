// Every target k += Σ_r of its columns of row r of its x
// Rows of an x have the columns of its targets, one after the other: COUNT_0 targets of x0, then COUNT_1 of x1, and so on.
// 256 threads of a workgroup share 256/LANES neighbouring columns: thread t sums every LANES-th row of column t mod
// (256/LANES), and a tree adds the threads of a column: the same order every time. The dispatch's z is the target.
// The including shader declares the bindings, countOf(x), sizeOf(k), lengthOf(x), load(x, i) and put(k, i, sum).
override LANES: u32;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let k = group.z;
  var x = 0u;
  // The first target of x.
  var begin = 0u;
  while (k >= begin + countOf(x)) {
    begin += countOf(x);
    x++;
  }
  var first = 0u;
  for (var other = begin; other < k; other++) { first += sizeOf(other); }
  var stride = first;
  for (var other = k; other < begin + countOf(x); other++) { stride += sizeOf(other); }
  let size = sizeOf(k);
  let length = lengthOf(x);
  let columns = 256u / LANES;
  let i = (group.x + group.y * groups.x) * columns + thread % columns;
  var sum = 0.0;
  if (i < size) {
    for (var at = thread / columns * stride; at < length; at += LANES * stride) { sum += load(x, at + first + i); }
  }
  if (LANES == 1u) {
    if (i < size) { put(k, i, sum); }
  } else {
    sums[thread] = sum;
    for (var half = 128u; half >= columns; half /= 2u) {
      workgroupBarrier();
      if (thread < half) { sums[thread] += sums[thread + half]; }
    }
    workgroupBarrier();
    if (thread < columns && i < size) { put(k, i, sums[thread]); }
  }
}
