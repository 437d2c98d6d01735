// out by tiles of 32 × 32: lib/matmul-parts-tile. The including shader includes lib/matmul-blocks or lib/matmul-scalars.
#include "lib/matmul-parts-tile"

#narrow-subgroups
@compute @workgroup_size(8, 8, PARTS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let s = sizes(
    IN_VALUE * arrayLength(&a),
    IN_VALUE * arrayLength(&b),
    IN_VALUE * arrayLength(&out),
    group.z,
    groups.z,
  );
  computeTile(group.y * SIDE, group.x * SIDE, local, s);
}
