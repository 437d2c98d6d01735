// out0 = a0 · b0ᵀ, out1 = a1 · b1ᵀ, each + its bias where params.hasBias: lib/matmul-pair
@group(0) @binding(0) var<storage, read> a0: array<vec4f>;
@group(0) @binding(1) var<storage, read> b0: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias0: array<vec4f>;
@group(0) @binding(3) var<storage, read> a1: array<vec4f>;
@group(0) @binding(4) var<storage, read> b1: array<vec4f>;
@group(0) @binding(5) var<storage, read> bias1: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> out0: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> out1: array<vec4f>;

fn lengths() -> vec3u {
  return vec3u(arrayLength(&a0), arrayLength(&b0), arrayLength(&out0));
}

fn ofA(which: u32, at: vec4u) -> mat4x4f {
  if (which == 0u) { return mat4x4f(a0[at.x], a0[at.y], a0[at.z], a0[at.w]); }
  return mat4x4f(a1[at.x], a1[at.y], a1[at.z], a1[at.w]);
}

fn ofB(which: u32, at: vec4u) -> mat4x4f {
  if (which == 0u) { return mat4x4f(b0[at.x], b0[at.y], b0[at.z], b0[at.w]); }
  return mat4x4f(b1[at.x], b1[at.y], b1[at.z], b1[at.w]);
}

fn biasOf(n: u32, s: Sizes) -> vec4f {
  if (params.hasBias == 0u) { return vec4f(); }
  if (s.part == 0u) { return bias0[n / 4u]; }
  return bias1[n / 4u];
}

fn finish(which: u32, i: u32, value: vec4f) {
  if (which == 0u) { out0[i] = value; } else { out1[i] = value; }
}
