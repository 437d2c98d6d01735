// Activations by KIND: 0 GELU (exact, by erf), 1 ReLU, 2 sigmoid. Of numbers or vectors: the including shader declares
// alias Value.
override KIND: u32;

// Φ(x) = (1 + erf(x/√2))/2, by Abramowitz and Stegun 7.1.26 on erfc; absolute error of erf under 2e-7.
fn normalCdf(x: Value) -> Value {
  let z = abs(x) * 0.70710678;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * poly * exp(-z * z);
  return select(1.0 - tail, tail, x < Value(0.0));
}

// 1/(1 + exp(−x)) without an exponential that overflows.
fn sigmoid(x: Value) -> Value {
  let e = exp(-abs(x));
  return select(Value(1.0), e, x < Value(0.0)) / (1.0 + e);
}

fn activate(x: Value) -> Value {
  if (KIND == 0u) { return x * normalCdf(x); }
  if (KIND == 1u) { return max(x, Value(0.0)); }
  return sigmoid(x);
}

fn activateDerivative(x: Value) -> Value {
  if (KIND == 0u) { return normalCdf(x) + x * 0.39894228 * exp(-0.5 * x * x); }
  if (KIND == 1u) { return select(Value(0.0), Value(1.0), x > Value(0.0)); }
  let s = sigmoid(x);
  return s * (1.0 - s);
}
