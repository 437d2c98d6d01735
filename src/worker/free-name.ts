/** Names for what is added, so that no two datasets and no two runs come under one. */

/** "cells" → "cells (2)" where there is a "cells", and "cells (2)" → "cells (3)". */
export function freeName(name: string, others: readonly { readonly name: string }[]): string {
  const taken = new Set(others.map((other) => other.name));
  const stem = name.replace(/ \(\d+\)$/, '');
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${stem} (${n})`;
  return free;
}
