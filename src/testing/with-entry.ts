/** Runs `work` while a registry has one more entry. */
export async function withEntry<T>(
  registry: readonly T[],
  entry: T,
  work: () => void | Promise<void>,
): Promise<void> {
  const entries = registry as T[];
  entries.push(entry);
  try {
    await work();
  } finally {
    entries.pop();
  }
}
