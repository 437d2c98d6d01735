// lib/token-gate-params where C is a multiple of 4; a row of partial is not.
alias Value = vec4f;
const wide = 4u;
#include "lib/token-gate-params"

fn put(at: u32, value: vec4f) {
  putOne(at, value.x);
  putOne(at + 1u, value.y);
  putOne(at + 2u, value.z);
  putOne(at + 3u, value.w);
}
