  #include "lib/attention-share"
  // The thread's query n (n0 before it is clamped to the end), and where the query's features, its row of lse and
  // stats and its relative positions or its bias start.
  let n0 = group.x * owned + thread % owned;
  let n = min(n0, Nq - 1u);
  let qAt = placeOf(m * Nq + n, head);
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let row = (m * HEADS + head) * Nq + n;
  let relAt = select(row * (rows + width), (head * Nq + n) * width, HAS_BIAS);
