// Blocks of matmul's tile for software adapters that fetch vectors from textures: a and b once more, as copies in which
// vector i of the buffer is texel i, rows of 512. There a fetch of four values for four threads is a call; from a buffer
// it is a thousand bytes of code for each value. They are sampled: a load by whole coordinates tests these first, which is
// another thousand bytes of code. The four threads of a quad lie side by side along n.
#include "lib/matmul-vectors"
@group(0) @binding(7) var aTexels: texture_2d<f32>;
@group(0) @binding(8) var bTexels: texture_2d<f32>;
@group(0) @binding(9) var point: sampler;
var<private> lane: u32;
const FOUR = vec4u(0u, 1u, 2u, 3u);

// What all fetches of a product share: there a whole number is divided lane by lane.
struct Texels {
  // One over the size of each texture.
  a: vec2f,
  b: vec2f,
  // Texels from a block of op(a) to the next along K, and of a stored row of b.
  aStep: u32,
  bRow: u32,
}

fn texels(s: Sizes) -> Texels {
  return Texels(
    1.0 / vec2f(textureDimensions(aTexels)),
    1.0 / vec2f(textureDimensions(bTexels)),
    select(1u, s.M, A_T),
    select(s.N, s.K, B_T) / 4u,
  );
}

// The middle of texel i, in texels; exact for the 2²² texels of the largest texture.
fn place(i: u32) -> vec2f {
  let at = f32(i32(i));
  let row = floor(at * (1.0 / 512.0));
  return vec2f(at - 512.0 * row, row) + 0.5;
}

// The vector of op(a)'s four rows that this thread fetches for its quad, at k = 0.
fn ownStart(m: u32, s: Sizes) -> u32 {
  let start = aStart(m, s);
  return select(select(start.x, start.y, lane == 1u), select(start.z, start.w, lane == 3u), lane > 1u);
}

// Where the blocks from k = 4 · step on are: of op(a), whether they are within the range of K, and of op(b). Past K op(b)
// is the last rows again, which meet zeros of op(a): what else stands in the texture may be no number.
struct Step {
  a: u32,
  isIn: bool,
  b: vec4u,
}

fn stepAt(step: u32, s: Sizes, t: Texels) -> Step {
  let k = 4u * step;
  var b: vec4u;
  if (B_T) {
    b = vec4u(min(step, t.bRow - 1u));
  } else {
    b = (min(k + FOUR, vec4u(s.K - 1u)) - FOUR) * t.bRow;
  }
  return Step(step * t.aStep, k + select(0u, lane, A_T) < s.end, b);
}

// Column i is row m + i of op(a), from k to k + 3; zero past the range of K.
fn aBlock(start: u32, step: Step, t: Texels) -> mat4x4f {
  let texel = textureSampleLevel(aTexels, point, place(start + step.a) * t.a, 0.0);
  let own = select(vec4f(), texel, step.isIn);
  let block = mat4x4f(
    subgroupBroadcast(own, 0u),
    subgroupBroadcast(own, 1u),
    subgroupBroadcast(own, 2u),
    subgroupBroadcast(own, 3u),
  );
  if (A_T) { return transpose(block); }
  return block;
}

// Column i is row k + i of op(b), from n to n + 3.
fn bBlock(start: vec4u, step: Step, t: Texels) -> mat4x4f {
  let at = start + step.b;
  let block = mat4x4f(
    textureSampleLevel(bTexels, point, place(at.x) * t.b, 0.0),
    textureSampleLevel(bTexels, point, place(at.y) * t.b, 0.0),
    textureSampleLevel(bTexels, point, place(at.z) * t.b, 0.0),
    textureSampleLevel(bTexels, point, place(at.w) * t.b, 0.0),
  );
  if (B_T) { return transpose(block); }
  return block;
}
