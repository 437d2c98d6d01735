// Attention forward: formula, shapes and layout in lib/attention-forward.
// Family of software adapters with subgroups: the four threads of a workgroup share their loads.
enable subgroups;
#include "lib/attention-quad"
#include "lib/attention-bias"
#include "lib/attention-forward"

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  attend(group, groups, lane);
}
