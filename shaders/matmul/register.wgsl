// out[z] = op(a[z]) · op(b[z]) (+ bias)      op(a): [M, K], op(b): [K, N], out: [Z, M, N], bias: [N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. Z is the dispatch's z; M and K follow from the buffers' sizes,
// so one pipeline serves every number of rows. Each thread sums a 4 × 4 tile in registers, no workgroup memory.
override N: u32;
override A_T: bool;
override B_T: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let Z = groups.z;
  let M = arrayLength(&out) / (N * Z);
  let K = arrayLength(&a) / (M * Z);
  let m0 = id.y * 4u;
  let n0 = id.x * 4u;
  if (m0 >= M || n0 >= N) { return; }
  let a0 = id.z * M * K;
  let b0 = id.z * N * K;
  var acc = array<vec4f, 4>();
  for (var k = 0u; k < K; k++) {
    var bv: vec4f;
    for (var j = 0u; j < 4u; j++) {
      let n = min(n0 + j, N - 1u);
      bv[j] = b[b0 + select(k * N + n, n * K + k, B_T)];
    }
    for (var i = 0u; i < 4u; i++) {
      let m = min(m0 + i, M - 1u);
      acc[i] += a[a0 + select(m * K + k, k * M + m, A_T)] * bv;
    }
  }
  for (var i = 0u; i < 4u; i++) {
    if (m0 + i >= M) { break; }
    for (var j = 0u; j < 4u; j++) {
      if (n0 + j >= N) { break; }
      var value = acc[i][j];
      if (HAS_BIAS) { value += bias[n0 + j]; }
      out[id.z * M * N + (m0 + i) * N + n0 + j] = value;
    }
  }
}
