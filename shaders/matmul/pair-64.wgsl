// Two linear layers of equal sizes: lib/matmul-pair-linear, by the tiles of matmul/tile-64.
// Family of real GPUs, 64 threads, 4 KiB.
const SIDE = 64u;
#include "lib/matmul-square-tile"
#include "lib/matmul-column"
#include "lib/matmul-pair"
#include "lib/matmul-pair-linear"

@compute @workgroup_size(SIDE / 8u, SIDE / 8u)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  computeTile(group.y * SIDE, group.x * SIDE, local, thread, pairSizes(group.z));
}
