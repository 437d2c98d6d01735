/** Web Locks as far as the studio uses them: a name is held until the callback's promise settles. */
export function fakeWebLocks() {
  const names = new Set<string>();
  return {
    query: async () => ({ held: [...names].map((name) => ({ name })) }),
    request: async (name: string, _: unknown, work: (lock: object | null) => Promise<void>) => {
      await null;
      if (names.has(name)) return work(null);
      names.add(name);
      try {
        await work({});
      } finally {
        names.delete(name);
      }
    },
  };
}
