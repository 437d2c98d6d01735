// Attention's gradients to q and relPos: formula, shapes and layout in lib/attention-dq.
// Family of software adapters: registers alone, no workgroup memory.
#include "lib/attention-vectors"
#include "lib/attention-bias"
#include "lib/attention-dq"

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  queries(group, groups, thread);
}
