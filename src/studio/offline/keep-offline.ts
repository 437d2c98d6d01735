/** What is used of a service worker's registration. */
type Registration = Pick<ServiceWorkerRegistration, 'active' | 'waiting' | 'installing' | 'addEventListener'>;

/**
 * Registers the service worker that makes the site work offline. Where the browser refuses (a private window, an old
 * browser) the studio still works online, so the refusal is only logged.
 * @param onNewVersion called when a new version is stored, which waits for all tabs to be closed.
 */
export async function keepOffline(onNewVersion: () => void): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    watchVersions(await navigator.serviceWorker.register('./service-worker.js'), onNewVersion);
  } catch (error) {
    console.info(`The studio is not kept for offline use: ${String(error)}`);
  }
}

/** Calls when a service worker waits for the one before it, now or later. */
export function watchVersions(registration: Registration, onNewVersion: () => void): void {
  const tell = (): void => {
    // The first of all waits for a moment, too, and for none.
    if (registration.waiting && registration.active) onNewVersion();
  };
  const watch = (): void => registration.installing?.addEventListener('statechange', tell);
  tell();
  watch();
  registration.addEventListener('updatefound', watch);
}
