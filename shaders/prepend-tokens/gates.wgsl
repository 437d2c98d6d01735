// dgate[b] = Σ_i dp[b, i]·p[i] + dq[b, i]·q[i];  sumP[i] = Σ_b gate[b]·dp[b, i],  sumQ[i] = Σ_b gate[b]·dq[b, i]
// dp, dq: [B, n]; p, q, sumP, sumQ: [n]; gate, dgate: [B]. A workgroup of 64 threads for each b, which adds its threads' sums
// by eights, and then one for 64 values of i. With ADDS sumP and sumQ keep what they hold: +=.
override ADDS: bool;
@group(0) @binding(0) var<storage, read> dp: array<f32>;
@group(0) @binding(1) var<storage, read> dq: array<f32>;
@group(0) @binding(2) var<storage, read> p: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> gate: array<f32>;
@group(0) @binding(5) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(6) var<storage, read_write> sumP: array<f32>;
@group(0) @binding(7) var<storage, read_write> sumQ: array<f32>;
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let at = group.x + group.y * groups.x;
  let B = arrayLength(&gate);
  let n = arrayLength(&p);
  if (at >= B) {
    let i = (at - B) * 64u + thread;
    var ofP = 0.0;
    var ofQ = 0.0;
    if (i < n) {
      for (var b = 0u; b < B; b++) {
        ofP += gate[b] * dp[b * n + i];
        ofQ += gate[b] * dq[b * n + i];
      }
      if (ADDS) {
        sumP[i] += ofP;
        sumQ[i] += ofQ;
      } else {
        sumP[i] = ofP;
        sumQ[i] = ofQ;
      }
    }
    return;
  }
  var own = 0.0;
  for (var i = thread; i < n; i += 64u) { own += dp[at * n + i] * p[i] + dq[at * n + i] * q[i]; }
  sums[thread] = own;
  workgroupBarrier();
  if (thread < 8u) {
    var eight = 0.0;
    for (var i = 0u; i < 8u; i++) { eight += sums[thread * 8u + i]; }
    own = eight;
  }
  workgroupBarrier();
  if (thread < 8u) { sums[thread] = own; }
  workgroupBarrier();
  if (thread == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += sums[i]; }
    dgate[at] = sum;
  }
}
