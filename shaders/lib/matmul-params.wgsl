// What one pipeline of a product reads instead of having it as a constant: ranges of K, and whether bias is added.
struct Params {
  splits: u32,
  hasBias: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
