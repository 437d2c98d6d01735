// lib/sample-dot for any sizes.
alias Value = f32;
#include "lib/sample-dot"

fn product(a: f32, b: f32) -> f32 { return a * b; }
