// Blocks of matmul's tiles for software adapters that fetch vectors from textures: a and b once more, as copies in which
// vector i of the buffer is texel i, rows of 1024. There a fetch of four values for four threads is a call; from a buffer
// it is a thousand bytes of code for each value. They are sampled: a load by whole coordinates tests these first, which is
// another thousand bytes of code. The four threads of a quad lie side by side along n, or along m with ALONG_M, and fetch
// the operand that they share once, a quarter each. The including shader declares ALONG_M.
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

// The middle of texel i, in texels; exact for the 2²³ texels of the largest texture.
fn middle(i: u32) -> vec2f {
  let at = f32(i32(i));
  let row = floor(at * (1.0 / 1024.0));
  return vec2f(at - 1024.0 * row, row) + 0.5;
}

// Places at k = 0 of a block that the quad shares, all four that of the vector which this thread fetches.
fn own(start: vec4u) -> vec4u {
  return vec4u(select(select(start.x, start.y, lane == 1u), select(start.z, start.w, lane == 3u), lane > 1u));
}

fn aPlaces(m: u32, s: Sizes) -> vec4u {
  if (ALONG_M) { return aStart(m, s); }
  return own(aStart(m, s));
}

fn bPlaces(n: u32, s: Sizes) -> vec4u {
  if (ALONG_M) { return own(bStart(n, s)); }
  return bStart(n, s);
}

// Where the blocks from k = 4 · step on are: of op(a), which of its vectors are within the range of K, and of op(b). Past K
// op(b) is the last rows again, which meet zeros of op(a): what else stands in the texture may be no number.
struct Step {
  a: u32,
  isIn: vec4<bool>,
  b: vec4u,
}

fn stepAt(step: u32, s: Sizes, t: Texels) -> Step {
  let k = vec4u(4u * step);
  let aRows = k + select(vec4u(), select(vec4u(lane), FOUR, ALONG_M), A_T);
  let bRows = select(FOUR, vec4u(lane), ALONG_M);
  var b: vec4u;
  if (B_T) {
    b = vec4u(min(step, t.bRow - 1u));
  } else {
    b = (min(k + bRows, vec4u(s.K - 1u)) - bRows) * t.bRow;
  }
  return Step(step * t.aStep, aRows < vec4u(s.end), b);
}

fn aTexel(place: u32, t: Texels) -> vec4f {
  return textureSampleLevel(aTexels, point, middle(place) * t.a, 0.0);
}

fn bTexel(place: u32, t: Texels) -> vec4f {
  return textureSampleLevel(bTexels, point, middle(place) * t.b, 0.0);
}

// The four vectors of a block, each fetched by one thread of the quad.
fn together(part: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(part, 0u),
    subgroupBroadcast(part, 1u),
    subgroupBroadcast(part, 2u),
    subgroupBroadcast(part, 3u),
  );
}

// Column i is row m + i of op(a), from k to k + 3; zero past the range of K.
fn aBlock(places: vec4u, step: Step, t: Texels) -> mat4x4f {
  let at = places + step.a;
  var block: mat4x4f;
  if (ALONG_M) {
    block = mat4x4f(
      select(vec4f(), aTexel(at.x, t), step.isIn.x),
      select(vec4f(), aTexel(at.y, t), step.isIn.y),
      select(vec4f(), aTexel(at.z, t), step.isIn.z),
      select(vec4f(), aTexel(at.w, t), step.isIn.w),
    );
  } else {
    block = together(select(vec4f(), aTexel(at.x, t), step.isIn.x));
  }
  if (A_T) { block = transpose(block); }
  return block;
}

// Column i is row k + i of op(b), from n to n + 3.
fn bBlock(places: vec4u, step: Step, t: Texels) -> mat4x4f {
  let at = places + step.b;
  var block: mat4x4f;
  if (ALONG_M) {
    block = together(bTexel(at.x, t));
  } else {
    block = mat4x4f(bTexel(at.x, t), bTexel(at.y, t), bTexel(at.z, t), bTexel(at.w, t));
  }
  if (B_T) { block = transpose(block); }
  return block;
}

// sum + b · a, a column at a time, so that few values are alive at once.
fn added(sum: mat4x4f, b: mat4x4f, a: mat4x4f) -> mat4x4f {
  return mat4x4f(sum[0] + b * a[0], sum[1] + b * a[1], sum[2] + b * a[2], sum[3] + b * a[3]);
}

// Where a thread's part of out begins.
struct Corner {
  m: u32,
  // Columns before it, columns in a row and its place, in vectors.
  left: u32,
  width: u32,
  place: u32,
}

fn cornerAt(m: u32, n: u32, s: Sizes) -> Corner {
  let width = s.N / 4u;
  let left = n / 4u;
  return Corner(m, left, width, s.out / 4u + m * width + left);
}

// Stores the vector of out, with its bias, that is `row` rows below a corner and `right` vectors to the right of it.
fn storeAt(corner: Corner, row: u32, right: u32, s: Sizes, values: vec4f) {
  if (corner.m + row >= s.M || corner.left + right >= corner.width) { return; }
  finishBiased(corner.place + row * corner.width + right, values);
}
