// Attention's gradients to q and relPos for heads of any width; formula and shapes as in attention/dq-tile.
// One thread per feature of dq; the thread of a head's first feature also writes the query's drelPos.
#include "lib/index"
#include "lib/attention-any"
#include "lib/attention-any-backward"
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;
@group(0) @binding(7) var<storage, read_write> drelPos: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = flatIndex(id, groups);
  if (element >= arrayLength(&dq)) { return; }
  let row = rowOf(element);
  let rows = (NK - PREFIX) / GRID_W;
  let relAt = row.index * (rows + GRID_W);
  let writesRel = HAS_REL && row.c == 0u;
  if (writesRel) {
    for (var i = 0u; i < rows + GRID_W; i++) { drelPos[relAt + i] = 0.0; }
  }
  var sum = 0.0;
  for (var j = 0u; j < NK; j++) {
    let ds = probability(row, j).y;
    sum += ds * k[keyAt(row, j) + row.c];
    if (writesRel && j >= PREFIX) {
      drelPos[relAt + (j - PREFIX) / GRID_W] += ds;
      drelPos[relAt + rows + (j - PREFIX) % GRID_W] += ds;
    }
  }
  dq[element] = sum * SCALE;
}
