// Two linear layers of equal sizes: lib/matmul-pair-linear, by the tiles of lib/matmul-square-tile. The including shader declares
// const SIDE and ACROSS.
#include "lib/matmul-square-tile"
#include "lib/matmul-column"
#include "lib/matmul-pair"
#include "lib/matmul-pair-linear"

#narrow-subgroups
@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  computeTile(group.y * SIDE, group.x * SIDE, local, thread, pairSizes(group.z));
}
