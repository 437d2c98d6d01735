// Two linear layers of equal sizes: lib/matmul-pair-linear, by the tiles of matmul/tile-32.
// Family of real GPUs, 256 threads, 16 KiB.
#include "lib/matmul-parts-tile"
#include "lib/matmul-column"
#include "lib/matmul-pair"
#include "lib/matmul-pair-linear"

#narrow-subgroups
@compute @workgroup_size(8, 8, PARTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  computeTile(group.y * SIDE, group.x * SIDE, local, pairSizes(group.z));
}
