/**
 * Asks the browser to keep the site for use without a network. Where it will not (a private window, an old browser) the
 * studio works all the same while there is a network, so a refusal is only logged.
 */
export function keepOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker.register('./service-worker.js').catch((error: unknown) => {
    console.info(`The studio is not kept for offline use: ${String(error)}`);
  });
}
