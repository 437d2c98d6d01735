// Attention's gradients to k and v: formula, shapes and layout in lib/attention-dkv.
// Family of software adapters: registers alone, no workgroup memory.
#include "lib/attention-vectors"
#include "lib/attention-bias"
#include "lib/attention-dkv"

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  keys(group, groups, thread);
}
