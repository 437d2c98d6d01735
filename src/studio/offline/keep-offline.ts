/**
 * Registers the service worker that makes the site work offline. Where the browser refuses (a private window, an old
 * browser) the studio still works online, so the refusal is only logged.
 */
export function keepOffline(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker.register('./service-worker.js').catch((error: unknown) => {
    console.info(`The studio is not kept for offline use: ${String(error)}`);
  });
}
