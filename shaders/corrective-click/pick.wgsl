// The prompt of the next round: the cell of number (word mod n) of the n cells, in rows, of the larger error, or of the target
// where there is no error, and the first cell where there is no target either; behind the prompt's other points.
// mask, target: [N, ROWS, SIDE]; draw: [N, 4] of (columns that show the image, rows, high and low half of the word);
// counts: [N, ROWS, 3] of (missed, marked too much, of the target); coords: [N, T, 2]; labels: [N, T], whose last is −1 (a padding
// point) or the second corner of a box; nextCoords: [N, T + 1, 2]; nextLabels: [N, T + 1]. One thread per object.
#include "lib/index"
override ROWS: u32;
override SIDE: u32;
override T: u32;
override CELL: f32;
@group(0) @binding(0) var<storage, read> mask: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read> draw: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> coords: array<f32>;
@group(0) @binding(5) var<storage, read> labels: array<f32>;
@group(0) @binding(6) var<storage, read_write> nextCoords: array<f32>;
@group(0) @binding(7) var<storage, read_write> nextLabels: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let n = flatIndex(id, groups);
  if (4u * n >= arrayLength(&draw)) { return; }
  var sums = vec3u();
  for (var y = 0u; y < ROWS; y++) {
    let at = 3u * (n * ROWS + y);
    sums += vec3u(counts[at], counts[at + 1u], counts[at + 2u]);
  }
  let isMissed = sums.x >= sums.y;
  var kind = select(1u, 0u, isMissed);
  if (sums[kind] == 0u) { kind = 2u; }
  let word = (u32(draw[4u * n + 2u]) << 16u) | u32(draw[4u * n + 3u]);
  var left = word % max(1u, sums[kind]);
  var column = 0u;
  var row = 0u;
  if (sums[kind] > 0u) {
    while (row + 1u < ROWS && counts[3u * (n * ROWS + row) + kind] <= left) {
      left -= counts[3u * (n * ROWS + row) + kind];
      row++;
    }
    let shown = u32(draw[4u * n]);
    for (var x = 0u; x < shown; x++) {
      let at = (n * ROWS + row) * SIDE + x;
      let wanted = target_[at];
      if (wanted < 0.0) { continue; }
      let isSet = mask[at] > 0.0;
      let isWanted = wanted > 0.5;
      let isOne = select(isWanted && (kind == 2u || !isSet), !isWanted && isSet, kind == 1u);
      if (!isOne) { continue; }
      if (left == 0u) {
        column = x;
        break;
      }
      left--;
    }
  }
  let points = T - select(2u, 1u, labels[n * T + T - 1u] < 0.0);
  for (var t = 0u; t <= T; t++) {
    let to = n * (T + 1u) + t;
    if (t == points) {
      nextCoords[2u * to] = (f32(column) + 0.5) * CELL;
      nextCoords[2u * to + 1u] = (f32(row) + 0.5) * CELL;
      nextLabels[to] = select(0.0, 1.0, isMissed);
    } else {
      let source = n * T + select(t, t - 1u, t > points);
      nextCoords[2u * to] = coords[2u * source];
      nextCoords[2u * to + 1u] = coords[2u * source + 1u];
      nextLabels[to] = labels[source];
    }
  }
}
