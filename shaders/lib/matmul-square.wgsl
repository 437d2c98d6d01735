// out by tiles of SIDE × SIDE: lib/matmul-square-tile. The including shader declares const SIDE and ACROSS.
#include "lib/matmul-blocks"
#include "lib/matmul-square-tile"

#narrow-subgroups
@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  computeTile(group.y * SIDE, group.x * SIDE, local, thread, s);
}
