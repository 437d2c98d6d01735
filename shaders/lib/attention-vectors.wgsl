// Reads attention's tensors; every thread of a workgroup for itself. lib/attention-quad does the same with shared loads.
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> relPos: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<vec4f>;

// Four rows of the thread's own.
fn ownQ(at: vec4u, d: u32) -> mat4x4f { return mat4x4f(q[at.x + d], q[at.y + d], q[at.z + d], q[at.w + d]); }
fn ownK(at: vec4u, d: u32) -> mat4x4f { return mat4x4f(k[at.x + d], k[at.y + d], k[at.z + d], k[at.w + d]); }
fn ownV(at: vec4u, d: u32) -> mat4x4f { return mat4x4f(v[at.x + d], v[at.y + d], v[at.z + d], v[at.w + d]); }
fn ownDout(at: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(dout[at.x + d], dout[at.y + d], dout[at.z + d], dout[at.w + d]);
}

// Four rows that all threads of the workgroup ask for.
fn sharedQ(at: vec4u, d: u32) -> mat4x4f { return ownQ(at, d); }
fn sharedK(at: vec4u, d: u32) -> mat4x4f { return ownK(at, d); }
fn sharedV(at: vec4u, d: u32) -> mat4x4f { return ownV(at, d); }
fn sharedDout(at: vec4u, d: u32) -> mat4x4f { return ownDout(at, d); }
