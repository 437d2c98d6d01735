// The sums of reduce/serial, for real GPUs: 256 threads share WIDTH neighbouring columns of a slice. Thread t sums every
// 256/WIDTH-th value of column t mod WIDTH, and a tree adds the threads of a column: the same order every time.
#include "lib/reduce"
// A power of two, at most 256.
override WIDTH: u32;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let columns = params.columns;
  let across = (columns + WIDTH - 1u) / WIDTH;
  let at = group.x + group.y * groups.x;
  let column = at % across * WIDTH + thread % WIDTH;
  let i = at / across * columns + column;
  var sum = 0.0;
  if (column < columns && i < outputs()) {
    let slice = sliceOf(at / across);
    for (var l = slice.first + thread / WIDTH; l < slice.end; l += 256u / WIDTH) {
      sum += x[slice.start + l * columns + column];
    }
  }
  sums[thread] = sum;
  for (var half = 128u; half >= WIDTH; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  workgroupBarrier();
  if (thread < WIDTH && column < columns && i < outputs()) { put(i, sums[thread] * params.factor); }
}
