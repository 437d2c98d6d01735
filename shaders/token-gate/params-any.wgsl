// lib/token-gate-params for any C.
alias Value = f32;
const wide = 1u;
#include "lib/token-gate-params"

fn put(at: u32, value: f32) { putOne(at, value); }
