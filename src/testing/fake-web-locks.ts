type Work = (lock: object | null) => Promise<unknown>;

/** Web Locks as far as the studio uses them: a name is held until the callback's promise settles. */
export function fakeWebLocks() {
  const held = new Map<string, Promise<unknown>>();
  const hold = (name: string, work: Work): Promise<unknown> => {
    // Held before the work begins.
    const working = Promise.resolve().then(() => work({}));
    const ended = working
      .catch(() => undefined)
      .then(() => {
        if (held.get(name) === ended) held.delete(name);
      });
    held.set(name, ended);
    return working;
  };
  return {
    query: async () => ({ held: [...held.keys()].map((name) => ({ name })) }),
    /** With `ifAvailable` a name that is held answers null; without, it is waited for. */
    request: async (name: string, options: { readonly ifAvailable?: boolean } | Work, work?: Work) => {
      await null;
      const isImpatient = typeof options !== 'function' && options.ifAvailable;
      const asked = typeof options === 'function' ? options : work;
      if (!asked) throw new TypeError('no work was given');
      if (isImpatient && held.has(name)) return asked(null);
      while (held.has(name)) await held.get(name);
      return hold(name, asked);
    },
  };
}
