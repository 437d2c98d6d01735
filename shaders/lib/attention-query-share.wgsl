  #include "lib/attention-share"
  // And where a thread owns a query: the query n (n0 may lie past the end), where its features, its row of lse and stats and its
  // relative positions stand.
  let n0 = group.x * owned + thread % owned;
  let n = min(n0, Nq - 1u);
  let qAt = placeOf(m * Nq + n, head);
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let row = (m * HEADS + head) * Nq + n;
  let relAt = row * (rows + width);
