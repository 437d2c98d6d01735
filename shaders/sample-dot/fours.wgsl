// lib/sample-dot where a sample's size is a multiple of 4.
alias Value = vec4f;
#include "lib/sample-dot"

fn product(a: vec4f, b: vec4f) -> f32 { return dot(a, b); }
