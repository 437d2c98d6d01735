/**
 * The environment in which Node has a WebGPU adapter; the present one where that is enough.
 * @throws Error that says how to get an adapter.
 */
export function adapterEnvironment(chromium: string | null): Promise<NodeJS.ProcessEnv>;

/** What is said where there is none. */
export const NO_ADAPTER: { readonly what: string; readonly cure: string };
