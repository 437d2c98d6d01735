// A row of up to 1,280 values in the registers of a workgroup of 64 threads, for real GPUs. Thread t holds the vectors of four
// t, t + 64, … t + 256; those past the end are zero. Five variables and no array, which a compiler may keep in memory.
override C: u32;
struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f }
var<workgroup> parts: array<vec2f, 64>;
var<workgroup> eights: array<vec2f, 8>;

// Whether the thread has a vector `i` of its own, i < 5.
fn has(i: u32, thread: u32) -> bool { return thread + 64u * i < C / 4u; }

// Σ of the values of a thread's row.
fn ownSum(row: Row) -> f32 {
  return dot(row.a + row.b + row.c + row.d + row.e, vec4f(1.0));
}

// Σ over the 64 threads, by eights, for every one of them; all must call it.
fn rowSum(own: vec2f, thread: u32) -> vec2f {
  workgroupBarrier();
  parts[thread] = own;
  workgroupBarrier();
  if (thread < 8u) {
    var sum = vec2f();
    for (var i = 0u; i < 8u; i++) { sum += parts[thread * 8u + i]; }
    eights[thread] = sum;
  }
  workgroupBarrier();
  var sum = vec2f();
  for (var i = 0u; i < 8u; i++) { sum += eights[i]; }
  return sum;
}
