  // Statements of main in attention's workgroup kernels: the workgroup's head and window, and the thread's slice.
  let head = FIRST_HEAD + group.y;
  let m = group.z;
  let D4 = D / 4u;
  let Nq = arrayLength(&q) / (HEADS * D4 * groups.z);
  let Nk = arrayLength(&k) / (HEADS * D4 * groups.z);
  let owned = 64u / SLICES;
  let slice = thread / owned;
