// Blocks of matmul's tile for software adapters that fetch vectors from textures: a and b once more, as copies in which
// vector i of the buffer is texel i, rows of 512. There a fetch of four values for four threads is a call; from a buffer
// it is a thousand bytes of code for each value. The four threads of a quad lie side by side along n.
#include "lib/matmul-vectors"
@group(0) @binding(7) var aTexels: texture_2d<f32>;
@group(0) @binding(8) var bTexels: texture_2d<f32>;
var<private> lane: u32;

fn place(i: u32) -> vec2u {
  return vec2u(i & 511u, i >> 9u);
}

// The vector of op(a)'s four rows that this thread fetches for its quad, at k = 0.
fn ownStart(m: u32, s: Sizes) -> u32 {
  let start = aStart(m, s);
  return select(select(start.x, start.y, lane == 1u), select(start.z, start.w, lane == 3u), lane > 1u);
}

// Column i is row m + i of op(a), from k to k + 3; zero past the range of K.
fn aBlock(start: u32, k: u32, s: Sizes) -> mat4x4f {
  let step = select(k / 4u, k * (s.M / 4u), A_T);
  let isIn = k + select(0u, lane, A_T) < s.end;
  let own = select(vec4f(), textureLoad(aTexels, place(start + step), 0), isIn);
  let block = mat4x4f(
    subgroupBroadcast(own, 0u),
    subgroupBroadcast(own, 1u),
    subgroupBroadcast(own, 2u),
    subgroupBroadcast(own, 3u),
  );
  if (A_T) { return transpose(block); }
  return block;
}

// Column i is row k + i of op(b), from n to n + 3. Past K it is the last rows again, which meet zeros of a: what else
// stands in the texture may be no number.
fn bBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  var at: vec4u;
  if (B_T) {
    at = start + min(k, s.K - 4u) / 4u;
  } else {
    at = start + (min(k + FOUR, vec4u(s.K - 1u)) - FOUR) * (s.N / 4u);
  }
  let block = mat4x4f(
    textureLoad(bTexels, place(at.x), 0),
    textureLoad(bTexels, place(at.y), 0),
    textureLoad(bTexels, place(at.z), 0),
    textureLoad(bTexels, place(at.w), 0),
  );
  if (B_T) { return transpose(block); }
  return block;
}
const FOUR = vec4u(0u, 1u, 2u, 3u);
